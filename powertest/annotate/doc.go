// Package annotate adds the energy of a benchmark to its results. A load harness has
// written when its benchmark began and ended, how many requests it sent, and how many
// tokens they had; nvidia-smi, a Prometheus server or a trace knows the power of the
// GPUs meanwhile. [Annotate] joins the two:
//
//	res, err := annotate.Annotate(ctx, annotate.Options{
//		Source:    annotate.Source{Log: "gpu_metrics.csv"},
//		Result:    "result.json",
//		Format:    "inferencex",
//		Aggregate: "agg.json",
//	})
//
// A source that does not know the past, such as NVML, measures while [Options.Command]
// runs. Sources are opened by name: link them in by importing their packages.
//
// A [Result] is what was found: the workload, the measurement, the metrics that are
// published, and the findings that say why numbers are withheld or marked. It is
// written as a table for people, as a record in the Go benchmark format, and as a
// validation file. The keys of the aggregate and of the validation file, the reason
// codes and their order are those of InferenceX's aggregate_power.py; docs/parity.md
// has the differences.
//
// If the benchmark is yours and in Go, package powertest measures it more exactly.
package annotate
