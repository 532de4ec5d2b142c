package annotate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/joulebench/joulebench/internal/terminal"
	"github.com/joulebench/joulebench/powertest"
	"github.com/joulebench/joulebench/powertest/energy"
)

// name is what a run is called: its path below the root.
func (b Batch) name(r BatchRun) string {
	if rel, err := filepath.Rel(b.Root, r.Path); err == nil {
		return filepath.ToSlash(rel)
	}
	return r.Path
}

// WriteTable writes a line for each run, and why it has no energy, for people. The error is
// that of the writer.
func (b Batch) WriteTable(out io.Writer) error {
	var text bytes.Buffer
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "run\tjoules\t±\tJ/token\t\n")
	for _, r := range b.Runs {
		fmt.Fprintf(w, "%s\t%s\n", terminal.Line(b.name(r)), r.row())
	}
	w.Flush()
	fmt.Fprintf(&text, "\n%s\n", b.summary())
	if i := slices.IndexFunc(b.Runs, BatchRun.Valid); i >= 0 {
		fmt.Fprintln(&text, energy.NotCovered(b.Runs[i].Result.devices()))
	}
	_, err := io.WriteString(out, terminal.Text(terminal.Trimmed(text.String())))
	return err
}

// row is the rest of a run's line.
func (r BatchRun) row() string {
	if !r.Valid() {
		return "withheld\t\t\t" + r.why()
	}
	e := r.Result.Measurement.Energy
	return fmt.Sprintf("%s\t%.2g %%\t%s\t%s", digits(e.Joules), e.ErrPercent(), r.perToken(), terminal.Line(r.Note))
}

// perToken is the energy of an output token; a dash if the result has none.
func (r BatchRun) perToken() string {
	for _, m := range r.Result.Metrics {
		if m.Key == "joules_per_output_token" {
			return digits(m.Value)
		}
	}
	return "-"
}

// cause is the first reason for which a run has no energy, and what helps against it.
func (r BatchRun) cause() (text, advice string) {
	if causes := r.findings(); r.Err != nil {
		text = r.Err.Error()
	} else if len(causes) > 0 {
		text = r.Result.inWords(causes[0])
	}
	text, advice, _ = strings.Cut(text, "\n")
	return text, advice
}

// why is the first reason for which a run has no energy, in one line.
func (r BatchRun) why() string {
	text, _ := r.cause()
	return terminal.Line(strings.Map(func(c rune) rune {
		if unicode.IsSpace(c) {
			return ' '
		}
		return c
	}, text))
}

// advice is what helps against what most runs lack, once.
func (b Batch) advice() (list []string) {
	said := map[string]bool{}
	for _, r := range b.Runs {
		if _, advice := r.cause(); advice != "" && !said[advice] && len(list) < maxAdvice {
			said[advice] = true
			list = append(list, strings.TrimSpace(advice))
		}
	}
	return list
}

// maxAdvice is how many kinds of advice are shown.
const maxAdvice = 5

// summary says how many runs have their energy, and what to do for the others.
func (b Batch) summary() string {
	failed, all := b.Failed(), len(b.Runs)
	if all == 0 {
		return fmt.Sprintf("there is no result of a load harness below %s\n%s", b.Root, whatIsRead())
	}
	text := fmt.Sprintf("%d of %d runs have their energy", all-failed, all)
	if failed > 0 {
		text += fmt.Sprintf(", %d do not, and are as they were", failed)
	}
	if b.DryRun {
		text += "; nothing was changed, as -n says"
	}
	for _, line := range b.advice() {
		text += "\n  " + line
	}
	return text
}

// WriteBenchmark writes a benchmark record of each run that has its energy. The error is that
// of the writer.
func (b Batch) WriteBenchmark(out io.Writer) error {
	w := powertest.NewWriter(out)
	for _, r := range b.Runs {
		if !r.Valid() {
			continue
		}
		name := b.name(r)
		report := r.Result.Report()
		report.Name = "BenchmarkAnnotate/" + recordWord(strings.TrimSuffix(name, filepath.Ext(name)))
		if err := w.Write(report); err != nil && !errors.Is(err, powertest.ErrNoNumbers) {
			return err
		}
	}
	return nil
}

// batchJSON is a run in the JSON of a batch.
type batchJSON struct {
	Result    string            `json:"result"`
	Log       string            `json:"log,omitempty"`
	Aggregate string            `json:"aggregate,omitempty"`
	Valid     bool              `json:"valid"`
	Reasons   []energy.Reason   `json:"reasons,omitempty"`
	Error     string            `json:"error,omitempty"`
	Report    *powertest.Report `json:"report,omitempty"`
}

// WriteJSON writes all that is known of the runs, as a list. The error is that of the writer.
func (b Batch) WriteJSON(out io.Writer) error {
	list := []batchJSON{}
	for _, r := range b.Runs {
		one := batchJSON{Result: b.name(r), Log: r.Log, Aggregate: r.aggregate, Valid: r.Valid()}
		if r.Err != nil {
			one.Error = r.Err.Error()
		} else {
			report := r.Result.Report()
			one.Reasons, one.Report = r.Result.Reasons(), &report
		}
		list = append(list, one)
	}
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(list)
}
