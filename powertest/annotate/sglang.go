package annotate

import "github.com/joulebench/joulebench/internal/pyjson"

// sglangHarness are the results of SGLang's bench_serving, which appends a line for each run to
// its --output-file. They say how long the run took and nothing of when it was.
// https://github.com/sgl-project/sglang/blob/0033168f0f58b2bc05aa0273bd475d9c01bafb1c/python/sglang/bench_serving.py
var sglangHarness = harness{
	name: "sglang", label: "sglang.bench_serving (--output-file)",
	is: func(o *pyjson.Object) bool {
		return isServing(o) && o.Get("total_output_tokens_retokenized") != nil
	},
	runs: func(_ input, o *pyjson.Object) []outcome {
		x := serving(o)
		x.Harness = "SGLang bench_serving"
		x.Latency = positive(o.Get("mean_e2e_latency_ms")) / 1000
		return []outcome{x}
	},
}
