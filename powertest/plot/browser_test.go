//go:build browser

package plot

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	pointer "github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pages are pages that were made before, which the browser opens as well.
var pages = flag.String("pages", "", "folder of pages of powertest plot that TestBrowser opens as well")

// A tab is one of a browser, with what it complained of and asked for.
type tab struct {
	ctx context.Context
	mu  sync.Mutex
	// complaints are errors of the console, exceptions and dialogs, requests the addresses
	// that were asked for.
	complaints, requests []string
}

// chromium starts a browser without a window. It is to be had on Debian as the package
// chromium.
func chromium(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		path, err = exec.LookPath("google-chrome")
	}
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("there is no chromium, and CI is set: install it (Debian: chromium)")
		}
		t.Skip("there is no chromium (Debian: apt-get install chromium)")
	}
	// The browser writes to its profile for a moment after it was ended, which a folder of the
	// test would be failed for.
	profile, err := os.MkdirTemp("", "chromium")
	require.NoError(t, err)
	t.Cleanup(func() {
		for range 50 {
			if os.RemoveAll(profile) == nil {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
	})
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(profile),
		chromedp.WSURLReadTimeout(2*time.Minute), chromedp.WindowSize(1200, 900))
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	require.NoError(t, chromedp.Run(ctx), "the browser does not start")
	t.Cleanup(func() { _ = chromedp.Cancel(ctx) }) // waits until it has ended
	return ctx
}

// open opens a file in a tab of its own.
func open(t *testing.T, browser context.Context, path string) *tab {
	t.Helper()
	path, err := filepath.Abs(path)
	require.NoError(t, err)
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	b := &tab{ctx: ctx}
	chromedp.ListenTarget(ctx, b.note)
	// A tab that is behind another one draws no frame, and a picture of it waits for ever.
	b.run(t, network.Enable(), log.Enable(), runtime.Enable(), page.Enable(), page.BringToFront(),
		chromedp.Navigate((&url.URL{Scheme: "file", Path: path}).String()))
	return b
}

// note notes what the browser says of the page.
func (b *tab) note(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *log.EventEntryAdded:
		b.complaints = append(b.complaints, string(e.Entry.Level)+": "+e.Entry.Text)
	case *runtime.EventConsoleAPICalled:
		b.complaints = append(b.complaints, fmt.Sprintf("console.%s: %v", e.Type, e.Args))
	case *runtime.EventExceptionThrown:
		b.complaints = append(b.complaints, e.ExceptionDetails.Error())
	case *page.EventJavascriptDialogOpening:
		b.complaints = append(b.complaints, "dialog: "+e.Message)
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, e.Request.URL)
	}
}

func (b *tab) run(t *testing.T, actions ...chromedp.Action) {
	t.Helper()
	require.NoError(t, chromedp.Run(b.ctx, actions...))
}

// clean asserts that the page asked for nothing but itself, and had nothing to complain of.
func (b *tab) clean(t *testing.T) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	assert.Empty(t, b.complaints)
	assert.Len(t, b.requests, 1, "the page itself alone")
	for _, r := range b.requests {
		assert.True(t, strings.HasPrefix(r, "file:"), r)
	}
}

// eval evaluates an expression.
func eval[T any](t *testing.T, b *tab, expression string) (value T) {
	t.Helper()
	b.run(t, chromedp.Evaluate(expression, &value))
	return value
}

// look looks at a page as it is on a screen, in the dark, on a phone and on paper, and
// keeps a picture of each of the first three.
func (b *tab) look(t *testing.T, name string) {
	t.Helper()
	for _, as := range []struct {
		name, scheme string
		width        int64
	}{{"light", "light", 1200}, {"dark", "dark", 1200}, {"phone", "light", 390}} {
		var picture []byte
		b.run(t, emulation.SetDeviceMetricsOverride(as.width, 900, 1, as.width < 500),
			emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: as.scheme}}),
			chromedp.FullScreenshot(&picture, 90))
		wide := eval[int64](t, b, "document.scrollingElement.scrollWidth")
		assert.LessOrEqual(t, wide, as.width, "%s: the page is wider than the %s", name, as.name)
		path := filepath.Join(t.ArtifactDir(), name+"-"+as.name+".jpg")
		require.NoError(t, os.WriteFile(path, picture, 0o666))
	}
	b.run(t, emulation.ClearDeviceMetricsOverride(), chromedp.ActionFunc(func(ctx context.Context) error {
		paper, _, err := page.PrintToPDF().Do(ctx)
		if err == nil && !strings.HasPrefix(string(paper), "%PDF") {
			err = errors.New("what was printed is no PDF")
		}
		return err
	}))
}

// TestBrowser opens pages in a real browser: nothing is loaded, nothing fails, the drawing
// is zoomed, and what is under the pointer is read out.
func TestBrowser(t *testing.T) {
	t.Parallel()
	browser := chromium(t)
	t.Run("pages", func(t *testing.T) {
		made, err := filepath.Glob(filepath.Join(*pages, "*.html"))
		require.NoError(t, err)
		if *pages == "" {
			made = nil
		} else {
			require.NotEmpty(t, made, "there is no page in %s", *pages)
		}
		for _, path := range made {
			b := open(t, browser, path)
			b.look(t, strings.TrimSuffix(filepath.Base(path), ".html"))
			b.clean(t)
		}
	})
	for name, names := range map[string]string{"plain": "NVIDIA H200", "hostile": hostile} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "report.html")
			require.NoError(t, everything(t, names).WriteFile(path))
			b := open(t, browser, path)
			b.look(t, name)
			b.clean(t)
		})
	}
	t.Run("zoom", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "report.html")
		require.NoError(t, everything(t, "NVIDIA H200").WriteFile(path))
		b := open(t, browser, path)
		b.zoom(t)
		b.clean(t)
	})
}

// The labels of the time axis of the power, and what its readout says.
const (
	timeAxis = `[...document.querySelectorAll("figure.power svg")].find((s) => s.getClientRects().length > 0).querySelectorAll("text.xt").values().toArray().map((e) => e.textContent).join(" ")`
	readout  = `document.querySelector("figure.power output").textContent`
)

// zoom uses the pointer, the buttons and the keys.
func (b *tab) zoom(t *testing.T) {
	t.Helper()
	whole := eval[string](t, b, timeAxis)
	b.run(t, chromedp.ScrollIntoView("figure.power", chromedp.ByQuery))
	box := eval[[]float64](t, b, `(() => { const r = document.querySelector("figure.power svg").getBoundingClientRect(); return [r.left, r.top, r.width, r.height]; })()`)
	x := func(share float64) float64 { return box[0] + share*box[2] }
	y := box[1] + 0.6*box[3]

	b.run(t, pointer.DispatchMouseEvent(pointer.MouseMoved, x(0.5), y))
	read := eval[string](t, b, readout)
	assert.Regexp(t, `time: [\d.]+ m?s`, read)
	assert.Regexp(t, `GPU 0 \(NVIDIA H200\): [\d.]+ W`, read)
	assert.Regexp(t, `sum: [\d.]+ k?W`, read)
	assert.Contains(t, read, "3.2 kJ ± 0.31 %", "the window that is there")

	b.run(t, pointer.DispatchMouseEvent(pointer.MousePressed, x(0.4), y).WithButton(pointer.Left).WithClickCount(1),
		pointer.DispatchMouseEvent(pointer.MouseMoved, x(0.6), y).WithButton(pointer.Left),
		pointer.DispatchMouseEvent(pointer.MouseReleased, x(0.6), y).WithButton(pointer.Left).WithClickCount(1))
	dragged := eval[string](t, b, timeAxis)
	assert.NotEqual(t, whole, dragged, "a stretch that was dragged over fills the drawing")

	b.run(t, chromedp.Focus("figure.power", chromedp.ByQuery), chromedp.KeyEvent("0"))
	assert.Equal(t, whole, eval[string](t, b, timeAxis), "0 shows all of it")
	b.run(t, chromedp.KeyEvent("+"))
	assert.NotEqual(t, whole, eval[string](t, b, timeAxis))
	b.run(t, chromedp.Click(`//figure[contains(@class,"power")]//button[text()="all"]`, chromedp.BySearch))
	assert.Equal(t, whole, eval[string](t, b, timeAxis))

	assert.Zero(t, eval[int](t, b, `document.querySelectorAll(".counter-ticks path").length`), "ticks are drawn on demand")
	b.run(t, chromedp.Focus("figure.power", chromedp.ByQuery), chromedp.KeyEvent("t"))
	assert.Equal(t, 2, eval[int](t, b, `document.querySelectorAll(".counter-ticks path").length`), "a line of ticks for each counter")
}
