package buildversion

import (
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestText: what is known of a build is said, and nothing else.
func TestText(t *testing.T) {
	goes := runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH
	assert.Equal(t, "(devel), "+goes, text(nil))
	assert.Equal(t, "v0.1.0, "+goes, text(&debug.BuildInfo{Main: debug.Module{Version: "v0.1.0"}}))
	info := &debug.BuildInfo{Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "0a503ee"}, {Key: "vcs.time", Value: "2026-11-26T10:00:00Z"}, {Key: "vcs.modified", Value: "true"},
	}}
	assert.Equal(t, "(devel), revision 0a503ee (modified), of 2026-11-26T10:00:00Z, "+goes, text(info))
}
