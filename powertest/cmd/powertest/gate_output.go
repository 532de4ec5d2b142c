package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/joulebench/joulebench/internal/atomicfile"
	"github.com/joulebench/joulebench/powertest/gate"
)

// publish writes the verdict to the standard output and the files, and returns
// the exit code. A verdict that could not be told in full is no pass.
func (g *gateFlags) publish(r *gate.Report, stdout, stderr io.Writer) int {
	code := r.Outcome.ExitCode()
	err := errors.Join(g.writeOutput(r, stdout, stderr), g.writeFiles(r))
	if os.Getenv("GITHUB_ACTIONS") == "true" {
		// The runner reads both streams for annotations, and on this one they are
		// in nobody's way.
		err = errors.Join(err, r.WriteGitHub(stderr))
	}
	if err != nil {
		g.complain(stderr, err)
		if code == exitOK {
			code = exitUsage
		}
	}
	return code
}

// writeOutput writes what the standard output is to have. If that is JSON, why
// the exit code is not 0 is on the standard error.
func (g *gateFlags) writeOutput(r *gate.Report, stdout, stderr io.Writer) error {
	switch {
	case g.json == "-":
		if r.Outcome != gate.Pass {
			if err := writeBrief(stderr, r); err != nil {
				return err
			}
		}
		return r.WriteJSON(stdout)
	case g.quiet:
		return writeBrief(stdout, r)
	}
	return r.WriteText(stdout, coloured(stdout))
}

// writeBrief writes the verdict, why it is no pass, and what to do. The only reason
// why there is no verdict is in the headline already.
func writeBrief(w io.Writer, r *gate.Report) error {
	_, err := fmt.Fprintln(w, r.Headline())
	if r.Outcome == gate.CannotJudge && len(r.Reasons) == 1 {
		return err
	}
	for _, reason := range r.Reasons {
		_, failed := fmt.Fprintf(w, "  - %s\n", reason)
		err = errors.Join(err, failed)
	}
	return err
}

// writeFiles writes the files that were asked for, as many as can be written.
func (g *gateFlags) writeFiles(r *gate.Report) error {
	var errs []error
	if g.markdown != "" {
		errs = append(errs, appendFile(g.markdown, r.WriteMarkdown))
	}
	if g.json != "" && g.json != "-" {
		errs = append(errs, atomicfile.Write(g.json, r.WriteJSON))
	}
	if g.junit != "" {
		errs = append(errs, atomicfile.Write(g.junit, r.WriteJUnit))
	}
	return errors.Join(errs...)
}

// appendFile appends to a file that others may append to as well: in one piece.
func appendFile(path string, write func(io.Writer) error) error {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("append to %s: %w", path, err)
	}
	_, err = b.WriteTo(f)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("append to %s: %w", path, err)
	}
	return nil
}
