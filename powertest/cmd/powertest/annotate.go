package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/joulebench/joulebench/powertest/annotate"
	"github.com/joulebench/joulebench/powertest/energy"

	// Sources that are opened by name.
	_ "github.com/joulebench/joulebench/dcgmsource"
	_ "github.com/joulebench/joulebench/simsource"
	_ "github.com/joulebench/joulebench/smisource"
)

// annotateCommand is the subcommand.
func annotateCommand(ctx context.Context, args []string, std stdio) int {
	f, err := parseAnnotate(args, std)
	if err != nil {
		return exitOf(err)
	}
	complain := func(err error) { fmt.Fprintf(std.err, "powertest annotate: %v\n", err) }
	o := f.options()
	o.Std = annotate.Streams{In: std.in, Out: std.out, Err: std.err}
	res, err := annotate.Annotate(ctx, o)
	if res.CommandErr != nil {
		complain(res.CommandErr)
	}
	if errors.Is(err, annotate.ErrNoCommand) {
		err = fmt.Errorf("%w\n%s", err, needsCommand)
	}
	if err != nil {
		complain(err)
		return exitUsage
	}
	failed := res.CommandErr != nil
	if err := res.WriteValidation(f.sidecarPath()); err != nil {
		complain(err)
		failed = failed || f.require
	}
	if err := f.writeResult(res, std.out); err != nil {
		complain(err)
		failed = true
	}
	if reasons := res.Reasons(); len(reasons) > 0 {
		complain(fmt.Errorf("the power is not valid: %s (see %s)", joinReasons(reasons), f.sidecarPath()))
		failed = failed || f.require
	}
	if failed {
		return exitFailed
	}
	return exitOK
}

// writeResult writes the benchmark record and the table. A file is emptied where
// there are no numbers: it must not hold those of another run.
func (f *annotateFlags) writeResult(res annotate.Result, out io.Writer) error {
	switch f.benchfmt {
	case "-":
		return res.WriteBenchmark(out)
	case "":
		return res.WriteTable(out)
	}
	file, err := os.Create(f.benchfmt)
	if err == nil {
		err = errors.Join(res.WriteBenchmark(file), file.Close())
	}
	if err != nil {
		err = fmt.Errorf("-benchfmt: %w", err)
	}
	return errors.Join(err, res.WriteTable(out))
}

// joinReasons lists reason codes.
func joinReasons(reasons []energy.Reason) string {
	list := make([]string, len(reasons))
	for i, r := range reasons {
		list[i] = string(r)
	}
	return strings.Join(list, ", ")
}
