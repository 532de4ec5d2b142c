package main

import (
	"context"
	"os"
	"slices"
	"strings"

	"github.com/joulebench/joulebench/internal/command"
	"github.com/joulebench/joulebench/internal/reference"
	"github.com/joulebench/joulebench/powertest/annotate"
)

// program is the command line. A command is declared in a file of its own; its flags are
// registered by the package that does the work.
var program = command.Program{
	Name: "powertest",
	Commands: []command.Command{
		annotateCommand, seriesCommand, gateCommand, abCommand, doctorCommand, plotCommand,
	},
	Topics: slices.Concat(reference.Topics, []command.Topic{
		{Name: "formats", Summary: "files that are read and written", Text: formatsTopic},
	}),
	Values: reference.Values,
}

func main() {
	ctx, stop := command.Interruptible(context.Background(), command.EndSignals...)
	code := program.Run(ctx, os.Args[1:], command.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
	stop()
	os.Exit(code)
}

// formatsTopic lists the files of all commands, by what their flags say of them.
func formatsTopic(p command.Program) string {
	return p.FilesText() + "\n" + command.Paragraphs("The results that annotate reads are those of "+strings.Join(annotate.Formats(), ", ")+". What has no flag is a file of Go benchmarks.")
}
