package raplsource

import (
	"fmt"
	"strings"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// Config says which packages to read, and where. The zero value reads all of this machine.
type Config struct {
	// Root is the folder in which the machine's /sys is: empty means /. In a container, it
	// is where both of its folders that are needed are mounted. See the package's comment.
	Root string
	// Devices selects devices as [energy.Select] does. Empty means all packages, and the
	// memory of each where it has a counter of its own.
	Devices []string
}

const (
	sourceName = "rapl"
	// period is how often the counters are refreshed.
	period = time.Millisecond
)

func init() {
	energy.Register(sourceName, func(arg string, devices []string) (energy.Source, error) {
		cfg, err := parse(arg)
		if err != nil {
			return nil, err
		}
		cfg.Devices = devices
		s, err := Open(cfg)
		if err != nil {
			return nil, err // not s: a nil *Source is a non-nil energy.Source
		}
		return s, nil
	})
}

// parse reads what follows the name in POWERTEST_SOURCE: nothing, or root=DIR.
func parse(arg string) (Config, error) {
	if arg == "" {
		return Config{}, nil
	}
	key, root, _ := strings.Cut(arg, "=")
	if key != "root" || root == "" {
		return Config{}, fmt.Errorf("rapl: %w: %q is no option\nwrite rapl, or rapl=root=DIR where DIR has the machine's sys folder", energy.ErrMalformed, arg)
	}
	return Config{Root: root}, nil
}
