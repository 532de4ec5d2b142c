package annotate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"

	"github.com/joulebench/joulebench/internal/atomicfile"
	"github.com/joulebench/joulebench/internal/metrictable"
	"github.com/joulebench/joulebench/internal/pyjson"
	"github.com/joulebench/joulebench/powertest/energy"
)

// A Metric is one key of an annotated aggregate, with its value before it is rounded.
type Metric struct {
	// Key is InferenceX's name, such as joules_per_output_token.
	Key   string
	Value float64
	// Unit is W or J.
	Unit     string
	decimals int
}

// powerMetrics computes the metrics of power_metric_schema_version 2, and, where GPUs
// have the roles prefill and decode, the energy and the mean power of a role's GPUs
// over the whole window, and their energy per token of their kind; and those of other kinds
// of devices, and of all, that have a number. The tokens are those of the whole benchmark; what
// would be by something that is not known is left out.
func powerMetrics(w Workload, m energy.Measurement) (list []Metric) {
	add := func(table []metrictable.Counterpart, in metrictable.Inputs) {
		for _, c := range table {
			if c.Divides(in) {
				list = append(list, Metric{c.Name, c.Value(in), c.Unit, c.Decimals})
			}
		}
	}
	add(metrictable.InferenceX, withEnergy(w.inputs(), m.Energy, m.Watts, len(m.Devices), m.Valid))
	for _, r := range m.Roles {
		add(metrictable.InferenceXRole(r.Role), withEnergy(w.inputs(), r.Energy, r.Watts, r.Devices, r.Valid))
	}
	for _, k := range m.Kinds {
		if k.Valid {
			add(metrictable.InferenceXKind(string(k.Kind)), withEnergy(w.inputs(), k.Energy, k.Watts, k.Count, true))
		}
	}
	return list
}

// withEnergy adds the energy of some devices to the inputs, if it is known.
func withEnergy(in metrictable.Inputs, e energy.Estimate, watts float64, devices int, known bool) metrictable.Inputs {
	if known {
		in.Joules, in.Watts, in.GPUs = e.Joules, watts, float64(devices)
	}
	return in
}

// checkMetrics returns a finding if a metric is no number: readings that are
// finite but absurd add up to infinity.
func checkMetrics(list []Metric) []energy.Finding {
	var bad []string
	for _, m := range list {
		if !metrictable.Finite(m.Value) {
			bad = append(bad, m.Key)
		}
	}
	if bad == nil {
		return nil
	}
	return finding(nonFinite, "%s: not a finite number", strings.Join(bad, ", "))
}

// A Comparison is one of the metrics that the harness reports of the energy itself.
type Comparison struct {
	// Name and Unit are those of the harness.
	Name, Unit string
	// Ours is computed from our measurement, by the formula of the harness, over the
	// window that the tokens are of; NaN if it is withheld or unknown.
	Ours float64
	// Theirs is what the harness reports; NaN if nothing.
	Theirs float64
}

// compare computes aiperf's metrics. aiperf divides by a window that is wider.
func compare(w Workload, m energy.Measurement, valid bool) []Comparison {
	in := withEnergy(w.inputs(), m.Energy, m.Energy.Joules/w.length(), len(m.Devices), valid)
	var list []Comparison
	for _, c := range metrictable.AIPerf {
		one := Comparison{Name: c.Name, Unit: c.Unit, Ours: c.Value(in), Theirs: math.NaN()}
		if x, ok := w.Reported[c.Name]; ok {
			one.Theirs = x
		}
		list = append(list, one)
	}
	return list
}

// powerSchema is the version of the meaning of the power keys: since 2, the keys
// without a role in their names are about the whole deployment.
const powerSchema = "2"

// replaceFile replaces a file; tests replace it by one that fails as on a full disk.
var replaceFile = atomicfile.Write

// powerMarks is the key of what is doubtful about a valid power: a list of reasons. It is
// ours, and there only if there are any.
const powerMarks = "power_marks"

// annotateAggregate replaces the power keys of an aggregate by the metrics, with what marks
// them; no metrics mean that the power is not valid. All else in the file stays as it is
// written. A finding says why that could not be done.
func annotateAggregate(path string, metrics []Metric, marks []energy.Reason) []energy.Finding {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return finding(aggregateMissing, "there is no file %s to annotate", path)
	}
	o, err := pyjson.ReadFile(path)
	if err != nil {
		return finding(aggregateUnwritable, "%v", err)
	}
	was := bytes.Clone(o.Bytes())
	stale := patch(o, metrics, marks)
	if bytes.Equal(was, o.Bytes()) {
		return nil
	}
	err = replaceFile(path, func(w io.Writer) error {
		_, err := w.Write(o.Bytes())
		return err
	})
	if err == nil {
		return nil
	}
	if stale {
		patch(o, nil, nil)
		err = errors.Join(err, overwrite(path, o.Bytes()))
	}
	return finding(aggregateUnwritable, "%v", err)
}

// patch replaces the power keys and reports whether there were any.
func patch(o *pyjson.Object, metrics []Metric, marks []energy.Reason) (stale bool) {
	for _, c := range metrictable.PowerKeys() {
		stale = o.Remove(c.Name) || stale
	}
	for _, key := range []string{"power_invalid_reasons", powerMarks} {
		stale = o.Remove(key) || stale
	}
	valid := "0"
	if len(metrics) > 0 {
		valid = "1"
	}
	o.Set("power_metric_schema_version", []byte(powerSchema))
	o.Set("power_valid", []byte(valid))
	for _, m := range metrics {
		o.Set(m.Key, []byte(pyjson.Round(m.Value, m.decimals).String()))
	}
	if len(metrics) > 0 && len(marks) > 0 {
		text, _ := json.Marshal(marks) // strings can be marshalled
		o.Set(powerMarks, text)
	}
	return stale
}

// overwrite writes a text over a longer one in the same file: what there is left
// to do on a full disk, where a file that claims the energy of another run would
// stay otherwise. It needs no new block.
func overwrite(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err == nil {
		if _, err = f.WriteAt(text, 0); err == nil {
			err = f.Truncate(int64(len(text)))
		}
		err = errors.Join(err, f.Sync(), f.Close())
	}
	if err != nil {
		return fmt.Errorf("its power keys are of another run: %w", err)
	}
	return errors.New("its power keys, which were of another run, are removed")
}
