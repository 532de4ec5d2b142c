package gate

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/joulebench/joulebench/internal/atomicfile"
	"github.com/joulebench/joulebench/internal/terminal"
)

// Sides are the files of a command line: the old one and the new one, or the new one
// alone where there is a budget. The error is of arguments that are not that, or of
// flags that contradict each other.
func (g *Flags) Sides(args []string) ([]Side, error) {
	if i := slices.IndexFunc(args, func(s string) bool { return len(s) > 1 && s[0] == '-' }); i > 0 {
		return nil, fmt.Errorf("%s is after a file: flags stand before the files", args[i])
	}
	budgets := len(g.max.values)+len(g.min.values) > 0
	switch {
	case len(args) == 0:
		return nil, errors.New("what is to be judged? give the old file and the new one; or -max or -min, and one file")
	case g.plan && len(args) > 1:
		return nil, fmt.Errorf("there are %d files\nfor -plan give one", len(args))
	case len(args) == 1 && !budgets && !g.plan:
		return nil, fmt.Errorf("%s is one side\ngive the old file and the new one, or a budget with -max or -min", args[0])
	case len(args) > 2:
		return nil, fmt.Errorf("there are %d files\ngive the old one and the new one", len(args))
	}
	sides, paths := make([]Side, len(args)), make([]string, len(args))
	for i, arg := range args {
		sides[i] = ParseSide(arg)
		paths[i] = sides[i].Path
	}
	if slices.Equal(paths, []string{"-", "-"}) {
		return nil, errors.New("both sides are the standard input: one of them must be a file")
	}
	return sides, g.Check(paths...)
}

// Judge judges the sides of a command line as the flags say. Where that is not
// possible, the report says so.
func (g *Flags) Judge(sides ...Side) *Report {
	var r *Report
	c, err := g.Config()
	switch {
	case err != nil:
	case len(sides) == 1:
		r, err = Budget(c, sides[0])
	default:
		r, err = Judge(c, sides[0], sides[1])
	}
	if err != nil {
		return g.Unjudged(err)
	}
	return r
}

// Plans reports whether a plan is asked for, and no verdict.
func (g *Flags) Plans() bool { return g.plan }

// PublishPlan makes the plan that the flags ask for of a file, writes it to the standard
// output or as JSON, and returns the exit code.
func (g *Flags) PublishPlan(side Side, stdout, stderr io.Writer) int {
	var s *SamplePlan
	c, err := g.Config()
	if err == nil {
		s, err = PlanSamples(c, side)
	}
	switch {
	case err != nil:
	case g.json == "-":
		err = s.WriteJSON(stdout)
	default:
		if err = s.WriteText(stdout); g.json != "" {
			err = errors.Join(err, atomicfile.Write(g.json, s.WriteJSON))
		}
	}
	if err != nil {
		g.PrintError(stderr, err)
	}
	if err != nil || len(s.Reasons) > 0 {
		return CannotJudge.ExitCode()
	}
	return Pass.ExitCode()
}

// Unjudged is a report that nothing was judged, because of an error. It is to be
// published as others are: a file of an earlier run must not be mistaken for this
// one's.
func (g *Flags) Unjudged(err error) *Report {
	advice := "powertest " + g.command + " -h lists the flags"
	if errors.Is(err, ErrInput) || errors.Is(err, fs.ErrNotExist) {
		advice = "is the path right, and was the file written?"
	}
	why, _, _ := strings.Cut(err.Error(), "\n") // what follows points into what is wrong
	r := &Report{Outcome: CannotJudge}
	r.addReason("%s; %s", why, advice)
	return r
}

// Publish writes the verdict to the standard output and the files, and returns the
// exit code. A verdict that could not be written in full is no pass.
func (g *Flags) Publish(r *Report, stdout, stderr io.Writer) int {
	code := r.Outcome.ExitCode()
	err := errors.Join(g.writeOutput(r, stdout, stderr), g.writeFiles(r))
	if os.Getenv("GITHUB_ACTIONS") == "true" {
		// The runner reads both streams for annotations, and the report is on the
		// standard output.
		err = errors.Join(err, r.WriteGitHub(stderr))
	}
	if err != nil {
		g.PrintError(stderr, err)
		if r.Outcome == Pass {
			code = CannotJudge.ExitCode()
		}
	}
	return code
}

// Refuse is for arguments that cannot be followed, of which err has been reported: it writes to the
// files that there is no verdict. Flags that were not read any more ask for nothing,
// and a file that the arguments name as well is not written, for it may be one of the
// sides. It returns the exit code.
func (g *Flags) Refuse(err error, args []string, stdout, stderr io.Writer) int {
	r := g.Unjudged(err)
	if g.json == "-" && !g.quiet {
		g.PrintError(stderr, r.WriteJSON(stdout))
	}
	var paths []string
	for _, arg := range args {
		paths = append(paths, arg, ParseSide(arg).Path)
	}
	read := append(paths, g.waivers)
	for _, path := range []*string{&g.markdown, &g.json, &g.junit} {
		if *path == "-" || atomicfile.Twice(append(slices.Clone(read), *path), len(read)) != "" {
			*path = ""
		}
		read = append(read, *path)
	}
	g.PrintError(stderr, g.writeFiles(r))
	return r.Outcome.ExitCode()
}

// PrintError writes an error, if it is one, after the name of the command.
func (g *Flags) PrintError(w io.Writer, err error) {
	if err != nil {
		fmt.Fprintln(w, terminal.Text(fmt.Sprintf("powertest %s: %v", g.command, err)))
	}
}

// writeOutput writes what the standard output is to have. If that is JSON, why
// the exit code is not 0 is on the standard error.
func (g *Flags) writeOutput(r *Report, stdout, stderr io.Writer) error {
	switch {
	case g.quiet:
		return r.writeBrief(stdout)
	case g.json != "-":
		return r.WriteText(stdout, terminal.Coloured(stdout))
	case r.Outcome != Pass:
		if err := r.writeBrief(stderr); err != nil {
			return err
		}
	}
	return r.WriteJSON(stdout)
}

// writeFiles writes the files that were asked for, as many as can be written.
func (g *Flags) writeFiles(r *Report) (err error) {
	if g.markdown != "" {
		err = appendFile(g.markdown, r.WriteMarkdown)
	}
	if g.json != "" && g.json != "-" {
		err = errors.Join(err, atomicfile.Write(g.json, r.WriteJSON))
	}
	if g.junit != "" {
		err = errors.Join(err, atomicfile.Write(g.junit, r.WriteJUnit))
	}
	return err
}

// appendFile appends to a file that others may append to as well: in one piece.
func appendFile(path string, write func(io.Writer) error) error {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return err
	}
	f, err := atomicfile.Open(path, os.O_APPEND)
	if err == nil {
		_, err = b.WriteTo(f)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return fmt.Errorf("append to %s: %w", path, err)
	}
	return nil
}
