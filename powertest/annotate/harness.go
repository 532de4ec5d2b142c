package annotate

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/joulebench/joulebench/internal/inputfile"
	"github.com/joulebench/joulebench/internal/pyjson"
	"github.com/joulebench/joulebench/powertest/energy"
)

// A harness is a load harness whose results can be read. It has runs, or lines.
type harness struct {
	// name chooses it as [Options.Format], and label is what people call it, with the
	// option that makes it write what is read.
	name, label string
	// is reports whether an object is one of its results, or the first of its lines.
	is func(o *pyjson.Object) bool
	// runs understands a result: one outcome for each run that it is of.
	runs func(in input, o *pyjson.Object) []outcome
	// lines understands a file of a record in each line.
	lines func(l *lines) outcome
	// window is what validation files call the source of the window, if anything.
	window string
	// compares says that what the harness reports of the energy is shown beside ours.
	compares bool
	// missing and invalid are the reasons of a file that is not there, or no result.
	missing, invalid energy.Reason
}

// An input is a result that is read.
type input struct {
	path string
	// zone is where times without a zone are from; nil means that it is unknown.
	zone *time.Location
}

// An outcome is a run of a harness: its work, and when it was, as far as its result says
// so. The findings say what is wrong. Without a window and without findings the result says at
// most how long the run took.
type outcome struct {
	Workload
	found []energy.Finding
}

// failed is the outcome of a result that is of no use.
func failed(found []energy.Finding) outcome { return outcome{found: found} }

// harnesses are those whose results can be read. The first that knows a file reads it.
func harnesses() []harness {
	return []harness{inferenceXHarness, sglangHarness, vllmHarness, guidellmHarness, aiperfHarness, aiperfRecordsHarness, genaiPerfHarness, genaiPerfRawHarness,
		k6SummaryHarness, k6LinesHarness, vegetaReportHarness, vegetaLinesHarness}
}

// Formats returns the names of the results that can be read, sorted.
func Formats() []string {
	var names []string
	for _, h := range harnesses() {
		names = append(names, h.name)
	}
	slices.Sort(names)
	return names
}

// harnessOf returns the harness of a name; without a name the zero one.
func harnessOf(name string) harness {
	list := harnesses()
	if i := slices.IndexFunc(list, func(h harness) bool { return h.name == name }); i >= 0 {
		return list[i]
	}
	return harness{}
}

// unreadable is the outcome of a file that could not be read.
func (h harness) unreadable(err error) (harness, []outcome) {
	reason := h.invalid
	if errors.Is(err, fs.ErrNotExist) && h.missing != "" {
		reason = h.missing
	}
	if reason == "" {
		reason = invalidBenchmarkResult
	}
	return h, []outcome{failed(finding(reason, "%v", err))}
}

const (
	// maxResult is the largest result that is read at once: those with the latencies of
	// each request have tens of megabytes. Lines are not read at once.
	maxResult = 1 << 29
	// maxLine is the longest line of a file of lines.
	maxLine = 1 << 20
)

// readResult reads the runs of a result, which is of the harness of the name, or of any if
// there is none: by what is in it. There is at least one outcome.
func readResult(in input, format string) (harness, []outcome) {
	h := harnessOf(format)
	f, err := inputfile.Open(in.path)
	if err != nil {
		return h.unreadable(err)
	}
	defer f.Close()
	r, err := inputfile.Text(f, maxLine)
	if err != nil {
		return h.unreadable(fmt.Errorf("read %s: %w", in.path, err))
	}
	if first := firstLine(r); first != nil {
		for _, by := range harnesses() {
			if by.lines != nil && (h.name == by.name || h.name == "" && by.is(first)) {
				return by, []outcome{by.lines(&lines{r: r})}
			}
		}
	}
	data, err := io.ReadAll(io.LimitReader(r, maxResult+1))
	if err == nil && len(data) > maxResult {
		err = fmt.Errorf("it has more than the %d bytes that are read at most of a result that is no file of lines", maxResult)
	}
	if err != nil {
		return h.unreadable(fmt.Errorf("read %s: %w", in.path, err))
	}
	return h.understand(in, data)
}

// understand reads the runs of a text.
func (h harness) understand(in input, data []byte) (harness, []outcome) {
	objects, err := pyjson.ParseAll(data)
	if len(objects) == 0 {
		return h.unreadable(fmt.Errorf("read %s: %w%s", in.path, err, notJSON(data)))
	}
	if h.runs == nil {
		i := slices.IndexFunc(harnesses(), func(by harness) bool { return by.is(objects[0]) })
		if i < 0 || harnesses()[i].runs == nil {
			return h.unreadable(unknownResult(in.path, objects[0]))
		}
		h = harnesses()[i]
	}
	var list []outcome
	for _, o := range objects {
		list = append(list, h.runs(in, o)...)
	}
	if err != nil {
		_, cut := h.unreadable(fmt.Errorf("read %s: what follows run %d: %w", in.path, len(list), err))
		list = append(list, cut...)
	}
	return h, list
}

// firstLine returns the object of the first line, if that is one. It stays to be read.
func firstLine(r *bufio.Reader) *pyjson.Object {
	text, err := r.Peek(maxLine)
	line, _, found := bytes.Cut(text, []byte("\n"))
	if !found && err == nil {
		return nil // it is longer
	}
	o, err := pyjson.Parse(line)
	if err != nil {
		return nil
	}
	return o
}

// shownKeys is how many keys of a file a message shows.
const shownKeys = 6

// unknownResult says what was seen in a file that is no result, and what is read.
func unknownResult(path string, o *pyjson.Object) error {
	keys := o.Keys()
	seen := "it has no keys"
	if len(keys) > 0 {
		more := ""
		if len(keys) > shownKeys {
			more = ", …"
		}
		seen = "it begins with the keys " + shown([]byte(strings.Join(keys[:min(len(keys), shownKeys)], ", "))) + more
	}
	return fmt.Errorf("%s is no result that is read here: %s\n%s", path, seen, whatIsRead())
}

// whatIsRead lists the results.
func whatIsRead() string {
	var labels []string
	for _, h := range harnesses() {
		labels = append(labels, h.label)
	}
	return "read are the results of " + strings.Join(labels, "; ")
}

// notJSON says what a file is that is not JSON, and what to do.
func notJSON(data []byte) string {
	line, _, _ := bytes.Cut(data, []byte("\n"))
	switch {
	case len(bytes.TrimSpace(data)) == 0:
		return "\nthe run may have failed before it wrote its result"
	case bytes.IndexByte(data[:min(len(data), 4096)], 0) >= 0:
		return "\nof vegeta, `vegeta encode -to json` makes it readable"
	case line[0] == '{' || line[0] == '[':
		return ""
	}
	return fmt.Sprintf("\nit begins with %q; %s", shown(line), whatIsRead())
}
