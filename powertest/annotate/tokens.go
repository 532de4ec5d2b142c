package annotate

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/joulebench/joulebench/powertest"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/tokens"
)

// A tokenReader counts the window by the inference servers themselves. The zero tokenReader does
// not.
type tokenReader struct {
	source  *tokens.Source
	session *tokens.Session
}

// openTokens opens the servers of the options, and begins to read those that do not know the
// past: from then on once a second, since the window is known afterwards.
func (o Options) openTokens(ctx context.Context) (tokenReader, error) {
	if o.Tokens == "" {
		return tokenReader{}, nil
	}
	c, err := tokens.Parse(o.Tokens)
	if err != nil {
		return tokenReader{}, err
	}
	src, err := tokens.Open(c)
	if err != nil {
		return tokenReader{}, err
	}
	r := tokenReader{source: src}
	switch {
	case src.Past():
	case len(o.Command) == 0:
		return tokenReader{}, fmt.Errorf("tokens of a server's own page: %w", ErrNoCommand)
	default:
		r.session = src.Begin(ctx, true)
	}
	return r, nil
}

// end is called when the command has ended.
func (t tokenReader) end() {
	if t.session != nil {
		t.session.End()
	}
}

// count counts the window of the workload, if there is one; nil if it was not asked for.
func (t tokenReader) count(ctx context.Context, w Workload) *tokens.Counts {
	if t.source == nil || !w.HasWindow() {
		return nil
	}
	defer t.source.Close()
	window := tokens.Window{From: w.Start, To: w.End}
	if n := float64(w.Requests); n > 0 {
		window.Lengths = tokens.Lengths{Prompt: float64(w.InputTokens) / n, Output: float64(w.OutputTokens) / n}
	}
	var c tokens.Counts
	if t.session != nil {
		c = t.session.Count(ctx, window)
	} else {
		c = t.source.CountPast(ctx, window)
	}
	return &c
}

// served compares what the servers have counted with the result of the harness. A difference marks
// the energy; that they counted nothing does not, since it is divided by the harness's counts.
func (r Result) served(c *tokens.Counts) Result {
	if c == nil {
		return r
	}
	report := powertest.NewReport("", r.work(), r.Measurement)
	report.AddServer(*c)
	r.Server = report.Server
	for _, f := range r.Server.Reasons {
		if f.Reason == energy.TokenMismatch {
			r.found = append(r.found, f)
		}
	}
	return r
}

// writeServer writes what the servers have counted beside the result of the harness.
func (r Result) writeServer(w io.Writer) {
	s := r.Server
	if s == nil {
		return
	}
	from := strings.Join(s.From, ", ")
	if s.Valid() {
		fmt.Fprintf(w, "counted\t%v, by %s at %s\n", s.Counts, s.Server, from)
	} else {
		fmt.Fprintf(w, "counted\twithheld, by %s\n", from)
	}
	if j := s.JoulesPerToken; j != nil && r.Valid() {
		fmt.Fprintf(w, "with its interval\t%s J per output token (%s to %s J)\n", digits(j.Value), digits(j.Low), digits(j.High))
	}
}

// serverNotes are why there are no counts of the servers, or what is doubtful in them.
func (r Result) serverNotes() (list []string) {
	if r.Server == nil {
		return nil
	}
	for _, f := range r.Server.Reasons {
		if f.Reason != energy.TokenMismatch { // that is a finding
			list = append(list, fmt.Sprintf("of the servers' counts: %v", f))
		}
	}
	return list
}
