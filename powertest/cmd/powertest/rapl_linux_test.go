package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"

	"github.com/joulebench/joulebench/internal/command"
	"github.com/stretchr/testify/assert"

	"github.com/joulebench/joulebench/raplsource/rapltest"
)

// TestDoctorCPUs: doctor says of what the CPUs report how well it is measured.
func TestDoctorCPUs(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("watches on the real clock")
	}
	tree := rapltest.New(t, rapltest.IntelCPU,
		rapltest.Zone{Entry: "intel-rapl:0", Name: "package-0", Limit: 350}, rapltest.Zone{Entry: "intel-rapl:0:0", Name: "dram"},
		rapltest.Zone{Entry: "intel-rapl:1", Name: "package-1", Limit: 350})
	assert.NoError(t, os.Remove(tree.Path(tree.Dir("intel-rapl:1")+"/energy_uj")))
	tree.Run(map[string]float64{"intel-rapl:0": 150, "intel-rapl:0:0": 30})
	var out, errs bytes.Buffer
	code := program.Run(context.Background(), []string{"doctor", "-source", "rapl=root=" + tree.Root, "-for", "2s"}, command.Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
	assert.Zero(t, code, "%s%s", &out, &errs)
	t.Log(out.String())
	verdict, _, _ := strings.Cut(out.String(), "\n")
	assert.Regexp(t, `^joules can be measured: 2 of .* by rapl, refreshed every 1 ms; use -benchtime=`, verdict)
	assert.Regexp(t, `(?m)^\* rapl +usable$`, out.String())
	assert.Regexp(t, `(?m)^[cpu:]*0 +Intel\(R\) Xeon\(R\) Platinum 8480\+ +350 W `, out.String())
	assert.Regexp(t, `(?m)^[dram:]*0 +counter +1 ms `, out.String())
	assert.Regexp(t, `(?m)^[cpu:]*0 +counter .* 1(4[5-9]|5[0-5])\.[0-9] W$`, out.String(), "150 W")
	assert.Contains(t, out.String(), "\nnot measured: CPU 1 (Intel(R) Xeon(R) Platinum 8480+, CPU-package-1@")
}
