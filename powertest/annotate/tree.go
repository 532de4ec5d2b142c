package annotate

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/joulebench/joulebench/internal/inputfile"
	"github.com/joulebench/joulebench/internal/pyjson"
)

// A folder is a directory with the files in it that may be of runs, by their names.
type folder struct {
	results, logs []string
	aggregates    map[string]bool
}

// A tree is what is below a folder. Links are not followed: what they lead to is counted
// where it is, or not at all.
type tree struct {
	root    string
	folders map[string]*folder
	// paths are those of the folders, in order, with a separator at the end.
	paths []string
	// broken are the folders that can't be read.
	broken []BatchRun
	// power says of the logs that were looked into, by their paths, whether they are of power.
	power map[string]bool
}

// The names of files that annotate and InferenceX write beside a result.
const (
	aggregatePrefix  = "agg_"
	validationPrefix = "power_validation_"
	usualLog         = "gpu_metrics.csv"
)

const separator = string(filepath.Separator)

// readTree finds the files below a folder.
func readTree(ctx context.Context, root string) (*tree, error) {
	t := &tree{root: root, folders: map[string]*folder{}, power: map[string]bool{}}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && path == root:
			return err
		case path == root && !d.IsDir():
			return fmt.Errorf("%s is no directory\n-bench FILE annotates one result", root)
		case err != nil:
			t.broken = append(t.broken, BatchRun{Path: path, Err: err})
		case d.Type().IsRegular():
			t.add(filepath.Dir(path), d.Name())
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("-each: %w", err)
	}
	for at := range t.folders {
		t.paths = append(t.paths, at+separator)
	}
	slices.Sort(t.paths)
	return t, nil
}

// add takes in a file of a folder, if its name is one of those of runs.
func (t *tree) add(dir, name string) {
	f := t.folders[dir]
	if f == nil {
		f = &folder{aggregates: map[string]bool{}}
		t.folders[dir] = f
	}
	switch lower := strings.ToLower(name); {
	case strings.HasPrefix(name, aggregatePrefix):
		f.aggregates[name] = true
	case strings.HasPrefix(name, validationPrefix):
	case strings.HasSuffix(lower, ".json"), strings.HasSuffix(lower, ".jsonl"):
		f.results = append(f.results, name)
	case strings.HasSuffix(lower, "_energy_start.csv"), strings.HasSuffix(lower, "_energy_end.csv"): // of amd-smi, beside its log
	case strings.HasSuffix(lower, ".csv"), strings.HasSuffix(lower, ".csv.gz"):
		f.logs = append(f.logs, name)
	}
}

// logOf returns the log of a result: of its folder, or else the only one below that, or of
// the nearest folder above with logs. note says which one was chosen of several.
func (t *tree) logOf(dir, result string) (log, note string, err error) {
	if f := t.folders[dir]; f != nil && len(f.logs) > 0 {
		return t.pick(dir, f.logs, result)
	}
	if below := t.logsBelow(dir); len(below) > 0 && dir != t.root {
		return t.pick(dir, below, result)
	}
	for at := dir; at != t.root; {
		at = filepath.Dir(at)
		if f := t.folders[at]; f != nil && len(f.logs) > 0 {
			return t.pick(at, f.logs, result)
		}
	}
	if log := t.artifact(dir); log != "" {
		return log, "", nil
	}
	return "", "", fmt.Errorf("there is no log beside it, nor in a folder above\n-log NAME says what it is called, and -prometheus or -trace where else the power is")
}

// logsBelow are the logs in the folders below one, by their paths from it.
func (t *tree) logsBelow(dir string) (list []string) {
	first, _ := slices.BinarySearch(t.paths, dir+separator)
	for _, path := range t.paths[first:] {
		rel, isBelow := strings.CutPrefix(path, dir+separator)
		if !isBelow {
			break
		}
		if rel == "" { // dir itself
			continue
		}
		for _, log := range t.folders[strings.TrimSuffix(path, separator)].logs {
			list = append(list, filepath.Join(rel, log))
		}
	}
	slices.Sort(list)
	return list
}

// artifact is the log of an artifact that InferenceX's workflow uploads by itself: beside the
// folder agentic_RUN it has gpu_metrics_RUN.
func (t *tree) artifact(dir string) string {
	rel, _ := filepath.Rel(t.root, dir)
	name, _, _ := strings.Cut(filepath.ToSlash(rel), "/")
	for i, c := range name {
		at := filepath.Join(t.root, "gpu_metrics"+name[i:])
		if f := t.folders[at]; c == '_' && f != nil && slices.Contains(f.logs, usualLog) {
			return filepath.Join(at, usualLog)
		}
	}
	return ""
}

// pick chooses among the logs of a folder: the one that has the result's name in its own,
// or the one that InferenceX calls so, or the only one that looks like a log of power.
func (t *tree) pick(dir string, logs []string, result string) (log, note string, err error) {
	if len(logs) == 1 {
		return filepath.Join(dir, logs[0]), "", nil
	}
	stem := regexp.MustCompile(`(^|[^A-Za-z0-9])` + regexp.QuoteMeta(strings.TrimSuffix(result, filepath.Ext(result))) + `($|[^A-Za-z0-9])`)
	for _, fits := range []func(name string) bool{
		func(name string) bool { return stem.MatchString(filepath.Base(name)) },
		func(name string) bool { return filepath.Base(name) == usualLog },
		func(name string) bool { return t.hasPower(filepath.Join(dir, name)) },
	} {
		found := slices.DeleteFunc(slices.Clone(logs), func(name string) bool { return !fits(name) })
		if len(found) == 1 {
			return filepath.Join(dir, found[0]), fmt.Sprintf("%s, of %d logs", found[0], len(logs)), nil
		}
		if len(found) > 1 {
			logs = found
		}
	}
	shown := strings.Join(logs[:min(len(logs), 3)], ", ")
	if len(logs) > 3 {
		shown += fmt.Sprintf(" and %d more", len(logs)-3)
	}
	return "", "", fmt.Errorf("which log is it of? there are %s\n-log NAME says which", shown)
}

// ofPower is in the header of a log of power.
var ofPower = regexp.MustCompile(`(?i)power|pwr|watt|energy`)

// hasPower reports whether a file begins as a log of power does, and looks into it once.
func (t *tree) hasPower(path string) bool {
	is, seen := t.power[path]
	if !seen {
		is = isOfPower(path)
		t.power[path] = is
	}
	return is
}

func isOfPower(path string) bool {
	f, err := inputfile.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	r, err := inputfile.Text(f, maxLine)
	if err != nil {
		return false
	}
	head, _ := r.Peek(1 << 10)
	return ofPower.Match(head)
}

// large is what a file may have to be read beside others; a larger one, when unpacked, too, is
// read alone, so that the memory does not grow with the number of processors.
const large = 8 << 20

// ofLarge is held while a large file is read.
var ofLarge sync.Mutex

// isResult reports whether a file is the result of a load harness. The error says that it
// can't be read, or is cut off.
func isResult(path string) (bool, error) {
	f, err := inputfile.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	r, err := inputfile.Text(f, maxLine)
	if err != nil {
		return false, fmt.Errorf("read %s: %w", path, err)
	}
	known := func(o *pyjson.Object) bool {
		return slices.ContainsFunc(harnesses(), func(h harness) bool { return h.is(o) })
	}
	if first := firstLine(r); first != nil {
		return known(first), nil
	}
	data, err := io.ReadAll(io.LimitReader(r, large))
	if err == nil && len(data) == large {
		ofLarge.Lock()
		defer ofLarge.Unlock()
		b := bytes.NewBuffer(data)
		_, err = io.Copy(b, io.LimitReader(r, maxResult-large))
		data = b.Bytes()
	}
	if err != nil {
		return false, fmt.Errorf("read %s: %w", path, err)
	}
	objects, err := pyjson.ParseAll(data)
	switch {
	case len(objects) > 0:
		return known(objects[0]), nil
	case json.Valid(bytes.TrimSpace(data)): // a list, or a number
		return false, nil
	}
	return false, fmt.Errorf("read %s: %w", path, err)
}
