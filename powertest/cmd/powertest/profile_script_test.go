package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/joulebench/joulebench/smisource/smitest"
)

// scriptMeter writes what a meter shows twice a second from smitest.Base on: meter FILE
// SECONDS:WATTS ...
func scriptMeter(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: meter FILE SECONDS:WATTS...")
	}
	var b strings.Builder
	b.WriteString("unix_s,watts\n")
	at := float64(smitest.Base)
	for _, step := range args[1:] {
		var seconds, watts float64
		if _, err := fmt.Sscanf(step, "%g:%g", &seconds, &watts); err != nil {
			ts.Fatalf("%s: %v", step, err)
		}
		for end := at + seconds; at < end; at += 0.5 {
			fmt.Fprintf(&b, "%.1f,%g\n", at, watts)
		}
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(b.String()), 0o644))
}
