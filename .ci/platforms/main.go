// Platforms checks that the module and its tests compile on other platforms, and what go vet
// has to say of them there:
//
//	go run -modfile=tools.mod ./.ci/platforms linux darwin windows
//
// Types are checked from the sources, without cgo, and nothing is compiled: a compiled
// standard library for each platform takes minutes, and finds nothing more in this code.
// What is released is linked for each platform by .ci/release.
package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/tools/go/analysis/checker"
	"golang.org/x/tools/go/analysis/suite/vet"
	"golang.org/x/tools/go/packages"
)

func main() {
	ok := true
	for _, platform := range os.Args[1:] {
		findings, err := check(platform)
		if err != nil {
			findings = append(findings, err.Error())
		}
		for _, f := range findings {
			fmt.Fprintf(os.Stderr, "%s: %s\n", platform, f)
			ok = false
		}
	}
	if !ok {
		os.Exit(1)
	}
}

// check loads the packages in the current directory and below, with their tests, as they are
// on a platform, and returns what is wrong with them.
func check(platform string) (findings []string, err error) {
	config := &packages.Config{
		Mode:       packages.LoadAllSyntax | packages.NeedModule,
		Tests:      true,
		Env:        append(os.Environ(), "GOOS="+platform, "CGO_ENABLED=0", "GOFLAGS="),
		BuildFlags: []string{"-tags=slow,browser"},
		ParseFile:  parse,
	}
	roots, err := packages.Load(config, "./...")
	if err != nil {
		return nil, err
	}
	if len(roots) == 0 {
		return nil, fmt.Errorf("there are no packages")
	}
	packages.Visit(roots, nil, func(p *packages.Package) {
		if p.Module == nil { // of the standard library, whose bodies were left out
			p.Errors = nil
		}
		for _, e := range p.Errors {
			findings = append(findings, e.Error())
		}
		p.IllTyped = false // or what imports the standard library is not analysed
	})
	if len(findings) > 0 {
		return findings, nil
	}
	graph, err := checker.Analyze(vet.Suite, roots, nil)
	if err != nil {
		return nil, err
	}
	for _, action := range graph.Roots {
		if action.Err != nil {
			findings = append(findings, fmt.Sprintf("%s: %v", action, action.Err))
		}
		for _, d := range action.Diagnostics {
			findings = append(findings, fmt.Sprintf("%s: %s", action.Package.Fset.Position(d.Pos), d.Message))
		}
	}
	fmt.Printf("%s: %d packages compile\n", platform, len(roots))
	return findings, nil
}

var standard = filepath.Join(runtime.GOROOT(), "src") + string(filepath.Separator)

// parse reads a file. The bodies of the standard library's functions are nobody's concern here.
func parse(files *token.FileSet, name string, source []byte) (*ast.File, error) {
	file, err := parser.ParseFile(files, name, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil || !strings.HasPrefix(name, standard) {
		return file, err
	}
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok {
			f.Body = nil
		}
	}
	return file, nil
}
