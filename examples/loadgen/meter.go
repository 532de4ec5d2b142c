package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"

	"github.com/joulebench/joulebench/powertest"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/simsource"

	// GPUs of other machines, and logs.
	_ "github.com/joulebench/joulebench/dcgmsource"
	_ "github.com/joulebench/joulebench/promsource"
	_ "github.com/joulebench/joulebench/smisource"
)

// openMeter opens what POWERTEST_SOURCE names. The embedded server puts its load
// on a simulated GPU, which is measured for it unless the environment says
// otherwise. Where no GPU can be read the meter is nil and the reason is printed:
// the load is worth measuring without energy too.
func openMeter(ctx context.Context, embedded bool, say func(string, ...any), getenv func(string) string) (*powertest.Meter, error) {
	strict := getenv("POWERTEST_STRICT") != ""
	var options []powertest.Option
	if embedded && getenv("POWERTEST_SOURCE") == "" && !strict {
		say("the server is embedded and its GPU simulated: -url or OPENAI_BASE_URL names a real one")
		options = append(options, powertest.From(simsource.Default()))
	}
	meter, err := powertest.NewMeter(ctx, options...)
	switch {
	case err == nil:
		return meter, nil
	case strict || ctx.Err() != nil || !unreadable(err, getenv("POWERTEST_DEVICES") != ""):
		return nil, fmt.Errorf("%w\nPOWERTEST_SOURCE=off measures the load without energy", err)
	}
	say("going on without an energy measurement: %v", err)
	return nil, nil
}

// unreadable reports whether there is no GPU that can be read, rather than
// something wrong in the request: devices that are named must exist.
func unreadable(err error, named bool) bool {
	if errors.Is(err, energy.ErrNoDevice) {
		return !named
	}
	var network net.Error
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, fs.ErrNotExist) ||
		errors.Is(err, fs.ErrPermission) || errors.As(err, &network)
}
