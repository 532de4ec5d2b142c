package plot

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"github.com/joulebench/joulebench/powertest/gate"
)

// A Kind is what an input is.
type Kind string

// The kinds of inputs.
const (
	Reports    Kind = "reports"    // one or several of a meter or of benchmarks: traces are among them
	Recording  Kind = "recording"  // an energy.Recording
	Benchmarks Kind = "benchmarks" // in the Go benchmark format
	GateReport Kind = "gate"       // of powertest gate -json
	Validation Kind = "validation" // that annotate writes beside a result
	Log        Kind = "log"        // of nvidia-smi or amd-smi
	Source     Kind = "source"     // that knows the past
	Unknown    Kind = ""
)

// marks are the keys by which JSON objects are recognised: the first that has all of them.
var marks = []struct {
	kind Kind
	keys []string
}{
	{Validation, []string{"power_valid", "telemetry_source"}},
	{GateReport, []string{"outcome", "rows", "headline"}},
	{Reports, []string{"schema_version", "work", "metrics"}},
	{Recording, []string{"source", "base", "devices"}},
}

// Sniff says what the text of a file, in UTF-8, is by what is in it. What is neither JSON
// nor has benchmark results may be a log: its reader says if it is none.
func Sniff(text []byte) Kind {
	if looksLikeJSON(text) {
		if kind := sniffJSON(text); kind != Unknown || json.Valid(text) {
			return kind
		}
	}
	switch {
	case gate.LooksLikeBenchmarks(text):
		return Benchmarks
	case len(bytes.TrimSpace(text)) == 0:
		return Unknown
	case utf8.Valid(text[:min(len(text), 256)]) && !bytes.ContainsRune(text, 0):
		return Log
	}
	return Unknown
}

// looksLikeJSON reports whether a text begins as an object or a list does.
func looksLikeJSON(text []byte) bool {
	begin := bytes.TrimLeft(text, " \t\r\n")
	return len(begin) > 0 && (begin[0] == '{' || begin[0] == '[')
}

// sniffJSON recognises a JSON object, or the first of an array of them.
func sniffJSON(text []byte) Kind {
	var object map[string]json.RawMessage
	var list []json.RawMessage
	if json.Unmarshal(text, &list) == nil && len(list) > 0 {
		text = list[0]
	}
	if json.Unmarshal(text, &object) != nil {
		return Unknown
	}
	for _, m := range marks {
		all := true
		for _, k := range m.keys {
			_, has := object[k]
			all = all && has
		}
		if all && (list == nil || m.kind == Reports) {
			return m.kind
		}
	}
	return Unknown
}
