// Package reference tells what help and completion say of the tables that the module
// itself works with: sources, variables, reasons and metrics.
package reference

import (
	"fmt"

	"github.com/joulebench/joulebench/internal/command"
	"github.com/joulebench/joulebench/internal/known"
	"github.com/joulebench/joulebench/internal/metrictable"
	"github.com/joulebench/joulebench/powertest/energy"
)

// Topics are what help tells of beside the commands of any program here.
var Topics = []command.Topic{
	{Name: "sources", Summary: "where the energy comes from, in -source and POWERTEST_SOURCE", Text: sourcesTopic},
	{Name: "environment", Summary: "variables that are heeded", Text: environmentTopic},
	{Name: "reasons", Summary: "why a number is withheld, or marked", Text: reasonsTopic},
	{Name: "metrics", Summary: "what is reported, and how it is computed", Text: metricsTopic},
}

func sourcesTopic(command.Program) string {
	var rows []command.Row
	for _, s := range known.Sources {
		rows = append(rows, command.Row{Word: s.Name + s.Form, Means: s.Is})
	}
	return command.Rows(rows) + "\n" + command.Paragraphs(`
Several are joined by plus signs: nvml+rapl measures GPUs and CPUs over the same windows.

powertest doctor -source NAME says what would be measured, and how well.`)
}

func environmentTopic(command.Program) string {
	var rows []command.Row
	for _, v := range known.Variables {
		rows = append(rows, command.Row{Word: v.Name, Means: v.Is})
	}
	return command.Rows(rows) + "\n" + command.Paragraphs("A flag goes before a variable.")
}

func reasonsTopic(command.Program) string {
	var rows []command.Row
	for _, r := range energy.Reasons() {
		rows = append(rows, command.Row{Word: string(r), Means: r.Means()})
	}
	return command.Rows(rows) + "\n" + command.Paragraphs("A number that is withheld is absent, and never 0. Where one is marked it stands, and the reason beside it.")
}

func metricsTopic(command.Program) string {
	scopes := map[metrictable.Scope]string{
		metrictable.Net: "; with the option Net", metrictable.Served: "; where a server counts the tokens",
		metrictable.Loads: "; of loads", metrictable.Elsewhere: "; by annotate, for comparison",
	}
	var rows []command.Row
	for _, m := range metrictable.Table {
		better := map[metrictable.Direction]string{metrictable.Lower: "lower", metrictable.Higher: "higher"}[m.Better]
		rows = append(rows, command.Row{Word: m.Unit, Means: fmt.Sprintf("%s; %s is better%s", m.Formula(), better, scopes[m.Scope])})
	}
	return command.Rows(rows) + "\n" + command.Paragraphs(`
E is the energy of all measured GPUs in the window, in joules, t its length in seconds, and n
how many GPUs there are.

A phase or role NAME has NAME-J/op and NAME-err-%, and of loads NAME-W; other kinds of devices
have cpu-J/op, dram-J/op and all-J/op.`)
}
