package main

import (
	"context"
	"os"

	"github.com/joulebench/joulebench/internal/command"
)

// program is the command line. A command is declared in a file of its own; its flags are
// registered by the package that does the work.
var program = command.Program{
	Name: "powertest",
	Commands: []command.Command{
		annotateCommand, seriesCommand, gateCommand, abCommand, doctorCommand, plotCommand,
	},
	Topics: topics,
	Values: values,
}

func main() {
	ctx, stop := interruptible(context.Background(), endSignals...)
	code := program.Run(ctx, os.Args[1:], command.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
	stop()
	os.Exit(code)
}
