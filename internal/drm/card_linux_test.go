package drm_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/drm"
	"github.com/joulebench/joulebench/internal/drm/drmtest"
)

// TestCards: the GPUs of a vendor, in the order of their addresses, each once though it has
// connectors and a render node; what is on no PCI bus is named.
func TestCards(t *testing.T) {
	cards := []drmtest.Card{
		{PCI: "0000:c1:00.0", Vendor: 0x1002, Model: 0x74a1, Driver: "amdgpu"},
		{PCI: "0000:04:00.0", Vendor: 0x8086, Model: 0xe20b, Driver: "xe", Monitor: map[string]string{"name": "xe\n"}},
		{PCI: "10000:01:00.0", Vendor: 0x1002, Model: 0x73bf, Driver: "amdgpu"},
		{PCI: "0000:03:00.0", Vendor: 0x1002, Model: 0x73bf, Monitor: map[string]string{"name": "amdgpu\n"}},
		{Platform: "amdgpu_xcp.1"},
		{PCI: "0000:01:00.0", Vendor: 0x10de, Model: 0x2204},
	}
	root := drmtest.Write(t, cards...)
	gone := filepath.Join(root, "sys", "class", "drm", "card9")
	require.NoError(t, os.Symlink("../../devices/not/there", gone))
	tree, err := drm.Open(root)
	require.NoError(t, err)
	found, platform, err := tree.Cards(drm.AMD)
	require.NoError(t, err)
	require.Len(t, found, 3)
	assert.Equal(t, []string{"amdgpu_xcp.1"}, platform)
	var names []string
	for _, c := range found {
		names = append(names, c.String()+" "+c.Driver)
	}
	assert.Equal(t, []string{"card4 (0000:03:00.0) ", "card1 (0000:c1:00.0) amdgpu", "card3 (10000:01:00.0) amdgpu"}, names)
	assert.Equal(t, uint16(0x73bf), found[0].Model)
	assert.True(t, strings.HasSuffix(found[0].Sensors("amdgpu"), "/hwmon4"), found[0].Sensors("amdgpu"))
	assert.Empty(t, found[1].Sensors("amdgpu"))
	assert.Equal(t, []string{"GPU-1", "card4's own"}, []string{found[0].Device(0, "GPU-1", "card4's own").UUID, found[0].Device(0, "GPU-1", "card4's own").Name})
	found, _, err = tree.Cards(drm.Intel)
	require.NoError(t, err)
	require.Len(t, found, 1)
	assert.Empty(t, found[0].Sensors("i915"), "a monitor of another name is another's")
}
