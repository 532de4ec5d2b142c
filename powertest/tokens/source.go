package tokens

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/joulebench/joulebench/internal/metricpage"
	"github.com/joulebench/joulebench/internal/wait"
	"github.com/joulebench/joulebench/internal/web"
	"github.com/joulebench/joulebench/powertest/energy"
)

const (
	// patience bounds how long a page may take at an edge, and impatience where the last one
	// did not come in time.
	patience   = 2 * time.Second
	impatience = 200 * time.Millisecond
	// lateCounting is how long after its last answer a server may count it.
	lateCounting = 50 * time.Millisecond
	// followEvery is how often a page is read in a window whose edges are not known yet.
	followEvery = time.Second
)

// Source is inference servers whose counters are read. Its methods may be called from any
// goroutine.
type Source struct {
	pages  []*page
	server *prometheus // instead of pages
}

// page is the page of one server.
type page struct {
	web.Target
	client *web.Client
	failed atomic.Bool
}

// Open checks the configuration. It asks no server: one that does not answer has no counts.
// The error wraps [energy.ErrMalformed].
func Open(c Config) (*Source, error) {
	s, err := open(c)
	if err != nil {
		return nil, web.Of(energy.ErrMalformed, fmt.Errorf("tokens: %w", err))
	}
	return s, nil
}

func open(c Config) (*Source, error) {
	if c.Prometheus != "" {
		server, err := openPrometheus(c)
		return &Source{server: server}, err
	}
	targets, err := c.targets()
	if err == nil && len(targets) == 0 {
		err = errors.New("no address is given\n" + form)
	}
	if err != nil {
		return nil, err
	}
	client, err := web.Open(c.HTTP, os.Getenv, maxBody)
	if err != nil {
		return nil, err
	}
	s := &Source{}
	for _, t := range targets {
		s.pages = append(s.pages, &page{Target: t, client: client})
	}
	return s, nil
}

// Past reports whether the source knows the past: it is a Prometheus server.
func (s *Source) Past() bool { return s.server != nil }

// Close closes idle connections. It is idempotent.
func (s *Source) Close() error {
	if s.server != nil {
		s.server.Close()
	}
	for _, p := range s.pages {
		p.client.Close()
	}
	return nil
}

// read reads the page once.
func (p *page) read(ctx context.Context) reading {
	limit := patience
	if p.failed.Load() {
		limit = impatience
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	r := reading{before: time.Now()}
	body, err := p.get(ctx)
	r.after = time.Now()
	p.failed.Store(err != nil)
	if err == nil {
		r.rows, err = parsePage(body)
	}
	if err != nil {
		r.err = fmt.Errorf("tokens: %s: %w", p.Clean, err)
	}
	return r
}

// get requests the page.
func (p *page) get(ctx context.Context) ([]byte, error) {
	request, err := p.Get(ctx)
	if err != nil {
		return nil, err
	}
	response, err := p.client.Do(request)
	if err != nil {
		return nil, web.Of(energy.ErrNoAnswer, web.Explain(web.Cause(err)))
	}
	defer response.Body.Close()
	var body bytes.Buffer
	_, err = body.ReadFrom(response.Body)
	switch code := response.StatusCode; {
	case web.Denied(code):
		return nil, fmt.Errorf("it answers %d: %w\ngive credentials in the address, or by POWERTEST_HTTP_BEARER_TOKEN_FILE", code, fs.ErrPermission)
	case code != http.StatusOK:
		return nil, fmt.Errorf("%w: it answers %d %s\ncheck the address, and that the server exports metrics (SGLang: --enable-metrics)", metricpage.ErrPage, code, http.StatusText(code))
	case err != nil:
		return nil, web.Of(energy.ErrNoAnswer, fmt.Errorf("the answer breaks off: %w", web.Explain(web.Cause(err))))
	}
	return body.Bytes(), nil
}

// Session is the reading of a window: [Source.Begin] begins it.
type Session struct {
	source *Source
	stop   context.CancelFunc // ends following
	follow sync.WaitGroup
	end    sync.Once
	ended  chan struct{} // closed when the last reading is there

	mu    sync.Mutex
	pages []replica
}

// Begin reads what the counters are before a window, which is to begin when it returns: after
// 2 s at most. With follow it goes on to read them once a second, for a window whose edges are
// set afterwards. A Prometheus server is asked nothing yet.
func (s *Source) Begin(ctx context.Context, follow bool) *Session {
	x := &Session{source: s, ended: make(chan struct{}), stop: func() {}}
	for _, p := range s.pages {
		x.pages = append(x.pages, replica{address: p.Clean})
	}
	x.read(ctx)
	if follow && len(s.pages) > 0 {
		var until context.Context
		until, x.stop = context.WithCancel(context.WithoutCancel(ctx))
		x.follow.Go(func() {
			for wait.Sleep(until, followEvery) {
				x.read(until)
			}
		})
	}
	return x
}

// read adds a reading of every page.
func (x *Session) read(ctx context.Context) {
	list := x.source.readAll(ctx)
	if ctx.Err() != nil {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for i := range list {
		x.pages[i].readings = append(x.pages[i].readings, list[i])
	}
}

// readAll reads all pages at once.
func (s *Source) readAll(ctx context.Context) []reading {
	list := make([]reading, len(s.pages))
	var all sync.WaitGroup
	for i, p := range s.pages {
		all.Go(func() { list[i] = p.read(ctx) })
	}
	all.Wait()
	return list
}

// End begins to read what the counters are after the window, which has ended when it is
// called, and does not wait for that. Further calls do nothing.
func (x *Session) End() {
	x.end.Do(func() {
		x.stop()
		go func() {
			defer close(x.ended)
			x.follow.Wait()
			x.read(context.Background())
			x.readLate()
		}()
	})
}

// readLate reads the pages once more, if a server was idle: then its counters come to rest.
func (x *Session) readLate() {
	x.mu.Lock()
	idle := false
	for _, r := range x.pages {
		idle = idle || isIdle(r.readings[len(r.readings)-1].rows)
	}
	x.mu.Unlock()
	if !idle {
		return
	}
	time.Sleep(lateCounting)
	list := x.source.readAll(context.Background())
	x.mu.Lock()
	defer x.mu.Unlock()
	for i := range list {
		x.pages[i].late = &list[i]
	}
}

// Count waits for the last readings, and returns what was counted in a window that lies
// between Begin and End. It calls End. A Prometheus server is asked now, as often as it takes
// until it has scraped what came after the window: for two scrape intervals, or until ctx ends.
func (x *Session) Count(ctx context.Context, w Window) Counts {
	x.End()
	if x.source.server != nil {
		return x.source.server.count(ctx, w)
	}
	<-x.ended // bounded by the patience of pages
	x.mu.Lock()
	defer x.mu.Unlock()
	t := tally{Window: w}
	for _, r := range x.pages {
		t.counts.From = append(t.counts.From, r.address)
		if r.late != nil && !isIdle(r.readings[len(r.readings)-1].rows) {
			r.late = nil // another one was idle
		}
		r.readings = append([]reading(nil), r.readings...)
		t.replicas = append(t.replicas, r)
	}
	return t.run()
}

// CountPast returns what was counted in a window of the past. The source must know it: see
// [Source.Past].
func (s *Source) CountPast(ctx context.Context, w Window) Counts {
	if s.server == nil {
		return Counts{Start: w.From, End: w.To, Reasons: []energy.Finding{{Reason: energy.BenchmarkWindowNotBracketed, Detail: "the page of a server does not know the past"}}}
	}
	return s.server.count(ctx, w)
}

var _ io.Closer = (*Source)(nil)
