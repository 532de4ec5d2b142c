package plot

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest"
)

// FuzzRead: whatever a file has, it is drawn or named, in a page of bounded size whose
// elements are ours.
func FuzzRead(f *testing.F) {
	trace := traced("Chat")
	trace.Recording.Devices[0].Ticks = trace.Recording.Devices[0].Ticks[:8]
	trace.Recording.Devices[1].Ticks = trace.Recording.Devices[1].Ticks[:8]
	text, err := json.Marshal(trace)
	require.NoError(f, err)
	f.Add(text)
	recording, err := json.Marshal(trace.Recording)
	require.NoError(f, err)
	f.Add(recording)
	for _, name := range []string{"old.txt", "new-same.txt"} {
		text, err := os.ReadFile(filepath.Join("..", "..", "testdata", "gate", name))
		require.NoError(f, err)
		f.Add(text[:min(len(text), 1000)])
	}
	f.Add([]byte("timestamp, index, power.draw [W]\n2026/01/02 03:04:05.000, 0, 100.00 W\n2026/01/02 03:04:06.000, 0, 100.00 W\n"))
	f.Add([]byte(`{"schema_version":1,"power_valid":true,"telemetry_source":"a","powertest":{"measurement":{"valid":true,"energy":{"joules":1e308},"devices":[{}]}}}`))
	f.Add([]byte(`{"schema_version":1,"outcome":"pass","headline":"","rows":[{"delta":1e308,"old":{"center":-1},"new":{"values":[1e308,-1e308]}}]}`))
	f.Add([]byte(`{"schema_version":1,"outcome":"pass","headline":"","rows":[{"new":{"values":[1,2],"runs":[1]}}]}`))
	f.Add([]byte(`{"schema_version":1,"outcome":"pass","headline":"","rows":[{"new":{"values":[1],"runs":[9223372036854775807]}}]}`))
	f.Add([]byte(`[{"schema_version":1,"name":"A/k=1","work":{},"metrics":[{"unit":"tokens/J","value":1e308}]},{"schema_version":1,"name":"A/k=1e308","work":{},"metrics":[{"unit":"tokens/J","value":-1}]}]`))
	for _, odd := range []string{`[[0,0,0],[4.6e18,4.6e18,1e300]]`, `[[-4.6e18,4.6e18,5],[4.61e18,4.61e18,1]]`, `[[1,1,1],[1.5,2,1e308]]`} {
		f.Add([]byte(`{"source":{"name":"` + strings.Repeat("<b>", 5) + `"},"base":"2026-01-02T03:04:05Z","devices":[{"device":{"uuid":"u","method":"counter"},"ticks":` + odd + `}]}`))
	}
	path := filepath.Join(f.TempDir(), "input")
	f.Fuzz(func(t *testing.T, text []byte) {
		require.NoError(t, os.WriteFile(path, text, 0o600))
		page := Read(t.Context(), Options{}, path)
		assert.NotEqual(t, len(page.Failures) == 0, len(page.Sections) == 0, "drawn, or named")
		var b bytes.Buffer
		require.NoError(t, page.WriteHTML(&b))
		markup, _, _ := strings.Cut(b.String(), "<script>")
		assert.Equal(t, strings.Count(markup, "<script"), strings.Count(markup, `<script type="application/json">`))
		assert.Less(t, b.Len(), 2<<20+200*len(text))
		for _, s := range page.Sections {
			for _, figure := range s.Figures {
				svgFile(t, figure)
			}
		}
	})
}

// TestHostileReport: a report with nothing in it but what JSON allows is drawn.
func TestHostileReport(t *testing.T) {
	t.Parallel()
	var r powertest.Report
	require.NoError(t, json.Unmarshal([]byte(`{"measurement":{"devices":[{}],"roles":[{}],"kinds":[{"devices":[{}]}]},"phases":[{}],"recording":{"devices":[{}]},"spans":[{},{}]}`), &r))
	for _, f := range OfReport(r).Figures {
		svgFile(t, f)
	}
}
