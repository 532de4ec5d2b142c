package annotate

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/joulebench/joulebench/internal/pyjson"
)

// aiperfRecordsHarness are the requests of aiperf, profile_export.jsonl, one in each line. Unlike
// the export beside them, whose times have no zone, they have times in ns since 1970.
// https://github.com/ai-dynamo/aiperf/blob/db4f6397/docs/tutorials/working-with-profile-exports.md
var aiperfRecordsHarness = harness{
	name: "aiperf-records", label: "aiperf (profile_export.jsonl)",
	is: func(o *pyjson.Object) bool {
		return member(o, "metadata", "request_start_ns") != nil && member(o, "metadata", "request_end_ns") != nil
	},
	lines: func(l *lines) outcome {
		w := Workload{Harness: "aiperf"}
		var span extent
		var noInput, noOutput bool
		note, found := l.each(func(line []byte) error {
			var r aiperfRecord
			if err := pyjson.Unmarshal(line, &r); err != nil {
				return fmt.Errorf("it is no request of aiperf: %w", err)
			}
			if r.Metadata.Phase == "warmup" {
				return nil
			}
			sent, err := nanoseconds(r.Metadata.Start)
			ended, err2 := nanoseconds(r.Metadata.End)
			if err := errors.Join(err, err2); err != nil {
				return err
			}
			succeeded := len(r.Error) == 0 || string(r.Error) == "null"
			span.add(sent, ended, succeeded)
			if succeeded {
				in, out := r.tokens("input_sequence_length"), r.tokens("output_sequence_length")
				noInput = noInput || in == 0 || in > maxTokens-w.InputTokens
				noOutput = noOutput || out == 0 || out > maxTokens-w.OutputTokens
				if noInput || noOutput {
					in, out = min(in, maxTokens-w.InputTokens), min(out, maxTokens-w.OutputTokens)
				}
				w.InputTokens, w.OutputTokens = w.InputTokens+in, w.OutputTokens+out
			}
			return nil
		})
		if found != nil {
			return failed(found)
		}
		if noInput {
			w.InputTokens = 0
		}
		if noOutput {
			w.OutputTokens = 0
		}
		if noInput || noOutput {
			note = append(note, "the tokens of some requests are unknown, and so are those of all")
		}
		w.Notes = note
		return span.complete(w)
	},
}

// An aiperfRecord is a request.
type aiperfRecord struct {
	Metadata struct {
		Start json.Number `json:"request_start_ns"`
		End   json.Number `json:"request_end_ns"`
		Phase string      `json:"benchmark_phase"`
	} `json:"metadata"`
	Metrics map[string]struct {
		Value json.RawMessage `json:"value"`
	} `json:"metrics"`
	Error json.RawMessage `json:"error"`
}

// tokens is a number of tokens of the request; 0 if it is unknown.
func (r aiperfRecord) tokens(metric string) int64 {
	n, _ := whole(r.Metrics[metric].Value)
	return n
}
