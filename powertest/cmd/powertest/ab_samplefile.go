package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/joulebench/joulebench/internal/atomicfile"
)

// A sampleFile is the complete samples of one side: what the binaries wrote, each
// after a line that says which sample it is.
type sampleFile struct {
	path    string
	samples []keptSample
	counts  map[string]int // samples by package
}

// A keptSample is one that is in a file.
type keptSample struct {
	number int    // of its package, from 1
	name   string // of the package
	text   []byte // with the line before it
}

// mark begins the line before a sample. To readers of the benchmark format it is
// one of those that mean nothing.
const mark = "# powertest ab: sample "

// append adds a sample, which is in the file in full or not at all.
func (f *sampleFile) append(name string, output []byte, took time.Duration) error {
	s := keptSample{number: f.counts[name] + 1, name: name}
	s.text = fmt.Appendf(nil, "%s%d of %s, %v\n%s", mark, s.number, name, took.Round(time.Millisecond), output)
	samples := append(f.samples, s)
	err := atomicfile.Write(f.path, func(w io.Writer) error {
		for _, s := range samples {
			if _, err := w.Write(s.text); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		f.samples = samples
		f.counts[name]++
	}
	return err
}

// read reads the samples that are there.
func (f *sampleFile) read() error {
	data, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for line := range bytes.Lines(data) {
		rest, found := strings.CutPrefix(string(line), mark)
		if found {
			if err := f.begin(rest); err != nil {
				return err
			}
		}
		if last := len(f.samples) - 1; last >= 0 {
			f.samples[last].text = append(f.samples[last].text, line...)
		} else if len(bytes.TrimSpace(line)) > 0 {
			return fmt.Errorf("-resume: %s has no samples that ab has taken, or something before them", f.path)
		}
	}
	return nil
}

// begin begins a sample, with what comes after the mark.
func (f *sampleFile) begin(line string) error {
	number, name, _ := strings.Cut(strings.TrimSpace(line), " of ")
	if i := strings.LastIndex(name, ", "); i >= 0 {
		name = name[:i]
	}
	n, err := strconv.Atoi(number)
	if err != nil || n != f.counts[name]+1 {
		return fmt.Errorf("-resume: %s has been changed: after sample %d of %s comes %q", f.path, f.counts[name], name, mark+strings.TrimSpace(line))
	}
	f.counts[name]++
	f.samples = append(f.samples, keptSample{number: n, name: name})
	return nil
}

// first is the first sample of a package; nil if there is none.
func (f *sampleFile) first(name string) []byte {
	for _, s := range f.samples {
		if s.name == name {
			return s.text
		}
	}
	return nil
}

// upTo are the first samples of each package, count of them.
func (f *sampleFile) upTo(count int) []byte {
	var text []byte
	for _, s := range f.samples {
		if s.number <= count {
			text = append(text, s.text...)
		}
	}
	return text
}
