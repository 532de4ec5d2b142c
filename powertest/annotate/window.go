package annotate

import (
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/joulebench/joulebench/internal/pyjson"
	"github.com/joulebench/joulebench/powertest/energy"
)

// isWindow reports whether a file is one of the folder windows of a run on several hosts,
// as srt-slurm writes it for InferenceX beside samples.csv: it says when a benchmark
// ran, and which result it is of.
func isWindow(o *pyjson.Object) bool {
	return o.Get("result_path") != nil && o.Get("clock_source") != nil
}

// text returns the value of a path of keys if it is a string; else it is empty.
func text(o *pyjson.Object, path ...string) (s string) {
	_ = json.Unmarshal(member(o, path...), &s) // what is no string is none
	return s
}

// windowed understands such a file, with the result that it names: the work is in that.
func windowed(path string, o *pyjson.Object) (Workload, []energy.Finding) {
	const invalid = energy.InvalidBenchmarkWindow
	if status := text(o, "status"); status != "completed" {
		return Workload{}, finding(invalid, "the window's status is %s, with the reason %s: it must be \"completed\"", shown(o.Get("status")), shown(o.Get("reason")))
	}
	name := filepath.FromSlash(text(o, "result_path"))
	if !filepath.IsLocal(name) {
		return Workload{}, finding(invalidBenchmarkResult, "result_path is %s: it must be a path within the run's folder", shown(o.Get("result_path")))
	}
	result, err := readBelow(path, name)
	if err != nil {
		return Workload{}, finding(invalidBenchmarkResult, "the result of the window: %v", err)
	}
	w, found := inferenceX(result)
	if !w.HasWindow() {
		return w, found
	}
	for _, key := range []string{"benchmark_start_time_unix", "benchmark_end_time_unix"} {
		a, known := unixTime(o.Get(key))
		if b, _ := unixTime(result.Get(key)); !known || !a.Equal(b) {
			return Workload{}, finding(invalid, "%s is %s in the window and %s in its result: they are of different runs", key, shown(o.Get(key)), shown(result.Get(key)))
		}
	}
	if w.Concurrency == 0 {
		w.Concurrency, _ = count(o.Get("concurrency"))
	}
	return w, found
}

// highest is how many folders above that of the windows the one of the run may be.
const highest = 4

// readBelow reads a file by its path from the folder of the run, in which the windows are
// in a folder of a folder.
func readBelow(window, name string) (*pyjson.Object, error) {
	root := filepath.Dir(window)
	var first error
	for range highest {
		root = filepath.Join(root, "..")
		o, err := pyjson.ReadFile(filepath.Join(root, name))
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return o, err
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}
