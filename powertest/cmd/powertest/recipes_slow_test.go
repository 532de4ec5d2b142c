//go:build slow

package main

import (
	"fmt"
	"math"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/dcgmsource/dcgmtest"
	"github.com/joulebench/joulebench/internal/prometheustest"
)

// standIns are the programs that recipes run: the harness of vLLM, a load generator, and
// nvidia-smi with two GPUs of 500 W.
var standIns = map[string]string{
	"vllm": `#!/bin/sh
while [ $# -gt 0 ]; do
	[ "$1" = --result-filename ] && out=$2
	shift
done
sleep 2
cp vllm.json "$out"
`,
	"my-load-generator": "#!/bin/sh\nsleep 1\n",
	"nvidia-smi": `#!/bin/sh
echo "timestamp, index, uuid, name, power.draw.instant [W], power.draw [W], enforced.power.limit [W]"
while :; do
	now=$(date '+%Y/%m/%d %H:%M:%S.%3N')
	for gpu in 0 1; do
		echo "$now, $gpu, GPU-00000000-0000-0000-0000-00000000000$gpu, NVIDIA H100 80GB HBM3, 500.00 W, 500.00 W, 700.00 W"
	done
	sleep 0.1
done
`,
}

// TestSlowRecipes executes the blocks that run a benchmark or ask a server.
func TestSlowRecipes(t *testing.T) {
	exporter := httptest.NewServer(dcgmtest.New(dcgmtest.Config{Collect: 100 * time.Millisecond}))
	defer exporter.Close()
	var samples strings.Builder
	scraped(&samples, time.Now())
	prometheus, _ := prometheustest.Backfill(t, strings.NewReader(samples.String()))
	n := 0
	for _, r := range recipes(t) {
		if r.language != "sh" || !r.waits() {
			continue
		}
		n++
		t.Run(fmt.Sprintf("%d %s", n, r.section), func(t *testing.T) {
			dir := kitchen(t)
			stock(t, dir)
			out := r.run(t, dir, "http://node:9400", exporter.URL, "http://prometheus:9090", prometheus)
			if strings.Contains(r.text, "annotate") {
				assert.Regexp(t, `(?m)^energy +[\d.e+]+ J ± `, out)
				assert.NotContains(t, out, "not valid")
			} else {
				assert.NotContains(t, out, "not one number")
			}
		})
	}
	assert.Equal(t, 7, n)
}

// stock adds the stand-ins, the result that vLLM's writes, and of a benchmark of an hour ago,
// and the log of a load generator that is about to run.
func stock(t *testing.T, dir string) {
	t.Helper()
	for name, text := range standIns {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755))
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "annotate", "testdata", "results", "vllm.json"))
	require.NoError(t, err)
	result := strings.NewReplacer("example/llama-8b", "my-model", `"duration": 10.0`, `"duration": 1.9`).Replace(string(text))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "vllm.json"), []byte(result), 0o644))
	old := strings.Replace(result, `"duration": 1.9`, `"duration": 1800`, 1)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "result.json"), []byte(old), 0o644))
	hourAgo := time.Now().Add(-time.Hour)
	require.NoError(t, os.Chtimes(filepath.Join(dir, "result.json"), hourAgo, hourAgo))
	log := "timestamp, index, power.draw [W]\n"
	begun := time.Now().UTC().Add(-2 * time.Second)
	for i := range 1200 {
		log += fmt.Sprintf("%s, 0, 500.00 W\n", begun.Add(time.Duration(i)*50*time.Millisecond).Format("2006/01/02 15:04:05.000"))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "gpu.csv"), []byte(log), 0o644))
}

// scraped writes what a Prometheus server has of a day until now: two GPUs of about 400 W, and
// a server of vLLM with 1000 tokens a second.
func scraped(to *strings.Builder, now time.Time) {
	series := func(name, labels string, value func(seconds float64) float64) {
		for at := now.Add(-26 * time.Hour).Truncate(time.Minute); at.Before(now); at = at.Add(15 * time.Second) {
			fmt.Fprintf(to, "%s{%s} %.0f %d\n", name, labels, math.Floor(value(float64(at.Unix())-1.7e9)), at.Unix())
		}
	}
	fmt.Fprintln(to, "# TYPE DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION unknown")
	for gpu := range 2 {
		labels := fmt.Sprintf(`UUID="GPU-%d",gpu="%d",Hostname="node",instance="node:9400",job="dcgm",pod="server",modelName="NVIDIA H200"`, gpu, gpu)
		series("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", labels, func(t float64) float64 { return 1000 * (400*t + 30*math.Sin(t/30)) })
	}
	server := `model_name="big",engine="0",instance="node:8000",job="vllm",pod="server"`
	for name, value := range map[string]func(float64) float64{
		"vllm:generation_tokens_total": func(t float64) float64 { return 1000 * t },
		"vllm:prompt_tokens_total":     func(t float64) float64 { return 4000 * t },
		"vllm:request_success_total":   func(t float64) float64 { return 10 * t },
		"vllm:num_requests_running":    func(float64) float64 { return 4 },
	} {
		fmt.Fprintf(to, "# TYPE %s unknown\n", name)
		series(name, server, value)
	}
	fmt.Fprintln(to, "# TYPE vllm:time_to_first_token_seconds_bucket unknown")
	for _, le := range []string{"0.25", "0.5", "1.0", "+Inf"} {
		series("vllm:time_to_first_token_seconds_bucket", server+`,le="`+le+`"`, func(t float64) float64 { return 10 * t })
	}
	fmt.Fprintln(to, "# EOF")
}
