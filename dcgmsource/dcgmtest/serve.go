package dcgmtest

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/joulebench/joulebench/internal/wait"
)

// index is what the exporter answers to any path that it does not know.
const index = `<html>
<head><title>GPU Exporter</title></head>
<body>
<h1>GPU Exporter</h1>
<p><a href="./metrics">Metrics</a></p>
</body>
</html>
`

// ServeHTTP answers as the exporter does: any method, whatever is accepted.
func (e *Exporter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	f := e.faults
	e.mu.Unlock()
	if f.down {
		panic(http.ErrAbortHandler)
	}
	if !wait.Sleep(r.Context(), f.delay/2) {
		return
	}
	if r.URL.Path != "/metrics" {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, index)
		return
	}
	var page []byte
	if now := time.Now(); !now.Before(f.emptyUntil) {
		page = e.Page(now)
	}
	if !wait.Sleep(r.Context(), f.delay-f.delay/2) {
		return
	}
	if f.status != 0 && f.status != http.StatusOK {
		http.Error(w, "internal server error", f.status)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if _, err := w.Write(page); err == nil && f.endless {
		flood(r.Context(), w)
	}
}

// flood writes until the client is gone.
func flood(ctx context.Context, w io.Writer) {
	comment := "# " + strings.Repeat("and so on ", 3000) + "\n"
	for ctx.Err() == nil {
		if _, err := io.WriteString(w, comment); err != nil {
			return
		}
	}
}
