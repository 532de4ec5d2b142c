package annotate

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/joulebench/joulebench/internal/atomicfile"
	"github.com/joulebench/joulebench/internal/metrictable"
	"github.com/joulebench/joulebench/internal/pyjson"
	"github.com/joulebench/joulebench/powertest/energy"
)

// powerSchema is the version of the meaning of the power keys: since 2, the keys
// without a role in their names are about the whole deployment.
const powerSchema = "2"

// replaceFile replaces a file; tests have none of the room that this needs.
var replaceFile = atomicfile.Write

// annotateAggregate replaces the power keys of an aggregate by the metrics; none
// means that the power is not valid. All else in the file stays as it is written.
// A finding says why that could not be done.
func annotateAggregate(path string, metrics []Metric) []energy.Finding {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return finding(aggregateMissing, "there is no file %s to annotate", path)
	}
	o, err := pyjson.ReadFile(path)
	if err != nil {
		return finding(aggregateUnwritable, "%v", err)
	}
	stale := patch(o, metrics)
	err = replaceFile(path, func(w io.Writer) error {
		_, err := w.Write(o.Bytes())
		return err
	})
	if err == nil {
		return nil
	}
	if stale {
		patch(o, nil)
		err = errors.Join(err, overwrite(path, o.Bytes()))
	}
	return finding(aggregateUnwritable, "%v", err)
}

// patch replaces the power keys and reports whether there were any.
func patch(o *pyjson.Object, metrics []Metric) (stale bool) {
	for _, c := range slices.Concat(metrictable.InferenceX, metrictable.InferenceXRole("prefill"), metrictable.InferenceXRole("decode")) {
		stale = o.Remove(c.Name) || stale
	}
	stale = o.Remove("power_invalid_reasons") || stale
	valid := "0"
	if len(metrics) > 0 {
		valid = "1"
	}
	o.Set("power_metric_schema_version", []byte(powerSchema))
	o.Set("power_valid", []byte(valid))
	for _, m := range metrics {
		o.Set(m.Key, []byte(pyjson.Round(m.Value, m.decimals).String()))
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
