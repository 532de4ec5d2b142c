package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/joulebench/joulebench/internal/command"
	"github.com/joulebench/joulebench/powertest/plot"
)

// config is what is to be done.
type config struct {
	url, key, model string // of the server; no URL means the embedded one

	users            []int
	duration, warmup time.Duration // of each level
	timeout          time.Duration // of each request
	count            int
	steady           bool

	prompt, maxTokens int // length of prompts in words, of answers in tokens
	seed              uint64
	slo               objective

	bench, json string // files; empty means none, and "-" for bench standard output
	page        plot.PageFlag
	wide        bool // the table has all columns
}

func (c config) embedded() bool { return c.url == "" }

// objective is a service level objective: a zero is none.
type objective struct{ ttft, itl time.Duration }

// standard is the name of standard output, where records may go.
const standard = "-"

// maxUsers is how many connections there may be.
const maxUsers = 4096

// loadgen is the command line.
var loadgen = command.Command{
	Name:    "loadgen",
	Summary: "load an inference server, and say what a token costs",
	Examples: []command.Example{
		{Line: "loadgen", Does: "an embedded server on a simulated GPU"},
		{Line: "loadgen -url http://localhost:8000/v1 -model my-model -users 1,16"},
	},
	Usage: []string{"[FLAGS]"},
	About: `
Loadgen loads an OpenAI-compatible server with more and more users, and reports what a token
costs in energy at each number of them. POWERTEST_SOURCE says where the energy is read, and
OPENAI_API_KEY is sent to the server.`,
	Groups: []command.Group{
		{Title: "The server", Flags: []string{"url", "model", "timeout"}},
		{Title: "The load", Flags: []string{"users", "duration", "warmup", "count", "steady", "prompt", "max-tokens", "seed"}},
		{Title: "What is reported", Flags: []string{"slo-ttft", "slo-itl", "v", "benchfmt", "json", "plot"}},
	},
	Exits: []command.Exit{
		{Code: ok, Means: "each level had requests that succeeded"},
		{Code: failed, Means: "one had none, or something could not be written"},
		{Code: usage, Means: "the arguments are wrong"},
		{Code: interrupted, Means: "there was an interrupt: what was measured until then is reported"},
	},
	Define: func(f *flag.FlagSet) command.Action {
		(&config{}).define(f)
		return command.Action{}
	},
}

// define defines the flags.
func (c *config) define(f *flag.FlagSet) {
	f.Func("users", "`numbers` of users, one after the other (default 1,4,16,64)", func(s string) (err error) {
		c.users, err = parseUsers(s)
		return err
	})
	f.DurationVar(&c.duration, "duration", 5*time.Second, "how long to measure each number of users")
	f.DurationVar(&c.warmup, "warmup", time.Second, "how long they are at work before that")
	f.DurationVar(&c.timeout, "timeout", 2*time.Minute, "how long to wait for an answer")
	f.IntVar(&c.count, "count", 1, "measure all levels `N` times")
	f.BoolVar(&c.steady, "steady", false, "measure the steady state only")
	f.IntVar(&c.prompt, "prompt", 200, "length of a prompt, in `words`")
	f.IntVar(&c.maxTokens, "max-tokens", 100, "longest answer, in `tokens`")
	f.Uint64Var(&c.seed, "seed", 1, "`number` that the prompts follow from")
	f.DurationVar(&c.slo.ttft, "slo-ttft", 200*time.Millisecond, "objective: time to the first token; 0 is none")
	f.DurationVar(&c.slo.itl, "slo-itl", 50*time.Millisecond, "objective: mean time between the tokens of a request; 0 is none")
	f.StringVar(&c.url, "url", "", "base `URL` of the server (default $OPENAI_BASE_URL, or else an embedded server)")
	f.StringVar(&c.model, "model", "", "`name` of the model (default $OPENAI_MODEL)")
	f.BoolVar(&c.wide, "v", false, "show all columns of the table")
	f.StringVar(&c.bench, "benchfmt", "", "write the records for benchstat to this `file`; - is standard output, and the table then goes to standard error")
	c.page.Register(f, "how the levels compare, and the energy of each")
	f.StringVar(&c.json, "json", "", "write the reports to this `file`, as a JSON array")
}

// parse reads the command line, and what it leaves open from the environment. It
// prints the help that is asked for itself.
func parse(args []string, stdout io.Writer, getenv func(string) string) (config, error) {
	c := config{key: getenv("OPENAI_API_KEY"), users: []int{1, 4, 16, 64}}
	f := flag.NewFlagSet(loadgen.Name, flag.ContinueOnError)
	c.define(f)
	switch err := command.Parse(f, args); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, loadgen.Help())
		return c, err
	case err != nil:
		return c, fmt.Errorf("%w\nloadgen -help lists the flags", err)
	}
	c.url = cmp.Or(c.url, getenv("OPENAI_BASE_URL"))
	c.model = cmp.Or(c.model, getenv("OPENAI_MODEL"))
	if f.NArg() > 0 {
		return c, fmt.Errorf("%q is not a flag\nloadgen -help lists the flags", f.Arg(0))
	}
	return c, c.check()
}

func parseUsers(s string) ([]int, error) {
	var list []int
	for field := range strings.SplitSeq(s, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(field))
		if err != nil || n < 1 || n > maxUsers {
			return nil, fmt.Errorf("%q is not a number from 1 to %d\nwrite, for example, 1,4,16", field, maxUsers)
		}
		list = append(list, n)
	}
	return list, nil
}

// check says which values cannot be right.
func (c config) check() error {
	var list []error
	need := func(good bool, format string, args ...any) {
		if !good {
			list = append(list, fmt.Errorf(format, args...))
		}
	}
	need(c.duration > 0, "-duration %v must be positive", c.duration)
	need(c.warmup >= 0, "-warmup %v must not be negative", c.warmup)
	need(c.timeout > 0, "-timeout %v must be positive", c.timeout)
	need(c.count > 0, "-count %d must be positive", c.count)
	need(c.prompt > 0, "-prompt %d must be positive", c.prompt)
	need(c.maxTokens > 0, "-max-tokens %d must be positive", c.maxTokens)
	need(c.slo.ttft >= 0 && c.slo.itl >= 0, "-slo-ttft %v and -slo-itl %v must not be negative", c.slo.ttft, c.slo.itl)
	return errors.Join(append(list, c.checkFiles())...)
}

// checkFiles says which files cannot be written, before anything is measured.
func (c config) checkFiles() error {
	var list []error
	for _, f := range []struct{ flag, path string }{{"-benchfmt", c.bench}, {"-json", c.json}, {"-plot", c.page.Path()}} {
		if f.path == "" || f.flag == "-benchfmt" && f.path == standard {
			continue
		}
		if info, err := os.Stat(f.path); err == nil && info.IsDir() {
			list = append(list, fmt.Errorf("%s %s is a directory\ngive the name of a file", f.flag, f.path))
			continue
		}
		dir := filepath.Dir(f.path)
		switch info, err := os.Stat(dir); {
		case err != nil:
			list = append(list, fmt.Errorf("%s %s cannot be written: %w\nmake its directory first", f.flag, f.path, err))
		case !info.IsDir():
			list = append(list, fmt.Errorf("%s %s cannot be written: %s is not a directory", f.flag, f.path, dir))
		}
	}
	for _, two := range [][2]string{{c.bench, c.json}, {c.bench, c.page.Path()}, {c.json, c.page.Path()}} {
		if two[0] != "" && two[1] != "" && sameFile(two[0], two[1]) {
			list = append(list, fmt.Errorf("two of -benchfmt, -json and -plot are %s, and one would overwrite the other\ngive each its own file", two[0]))
		}
	}
	return errors.Join(list...)
}

// sameFile reports whether two paths are of one file, which need not be there yet.
func sameFile(a, b string) bool {
	if x, err := os.Stat(a); err == nil {
		if y, err := os.Stat(b); err == nil {
			return os.SameFile(x, y)
		}
	}
	x, errA := filepath.Abs(a)
	y, errB := filepath.Abs(b)
	return errA == nil && errB == nil && x == y
}
