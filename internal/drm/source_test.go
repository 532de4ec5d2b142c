package drm_test

import (
	"io/fs"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/drm"
	"github.com/joulebench/joulebench/powertest/energy"
)

// meter is one that hangs, while it is told to.
type meter struct {
	hang   chan struct{}
	closed bool
}

func (m *meter) Read(r *energy.Reading) {
	<-m.hang
	r.Joules, r.HasJoules = 1, true
}

func (m *meter) Close() error {
	m.closed = true
	return nil
}

// TestHang: a driver that hangs takes no other read with it, nor who closes the source,
// and its file is closed once it has come back.
func TestHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &meter{hang: make(chan struct{})}
		s := drm.NewSource(energy.Info{Name: "amd"})
		s.Add(energy.Device{UUID: "GPU-1"}, m, "")
		first := []energy.Reading{{}}
		go s.Read(first)
		synctest.Wait()
		second := []energy.Reading{{Device: 0}}
		s.Read(second)
		assert.ErrorIs(t, second[0].Err, energy.ErrStalled)
		require.NoError(t, s.Close())
		require.NoError(t, s.Close())
		assert.False(t, m.closed)
		time.Sleep(time.Minute)
		close(m.hang)
		synctest.Wait()
		assert.True(t, first[0].HasJoules)
		assert.True(t, m.closed)
		s.Read(second)
		assert.ErrorIs(t, second[0].Err, fs.ErrClosed)
	})
}

// TestMarks: a finding is added to the devices that fit, and those left out are named.
func TestMarks(t *testing.T) {
	s := drm.NewSource(energy.Info{Name: "amd"})
	for _, uuid := range []string{"GPU-1", "GPU-2"} {
		s.Add(energy.Device{UUID: uuid}, &meter{}, "")
	}
	s.Mark(energy.ModuleScope, "of both", func(d energy.Device) bool { return d.UUID == "GPU-2" })
	assert.Empty(t, s.Devices()[0].Marks)
	assert.Equal(t, []energy.Finding{{Reason: energy.ModuleScope, Device: "GPU-2", Detail: "of both"}}, s.Devices()[1].Marks)
	s.Leave(energy.Device{UUID: "GPU-3", Kind: energy.Module, Index: 2, Name: "small"}, "it reports nothing")
	assert.Equal(t, []energy.LeftOut{{UUID: "GPU-3", Kind: energy.Module, Index: 2, Name: "small", Why: "it reports nothing"}}, s.LeftOut())
	r := []energy.Reading{{Device: 7}}
	s.Read(r)
	assert.ErrorIs(t, r[0].Err, energy.ErrNoDevice)
}
