package smisource

import (
	"cmp"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/joulebench/joulebench/internal/timezone"
	"github.com/joulebench/joulebench/powertest/energy"
)

// sourceName is the name in POWERTEST_SOURCE and in [energy.Info].
const sourceName = "smi"

// defaultMaxGap is how far apart two readings may be where [Config.MaxGap] is
// not set: the limit of InferenceX.
const defaultMaxGap = 3 * time.Second

// Config says which log to read, and how. POWERTEST_SOURCE gives it as a path,
// with what follows the last question mark:
//
//	smi=FILE?tz=Europe/Berlin&offset=1.5s&gap=3s&energy_start=FILE&energy_end=FILE
//	smi=FILE?columns=time=timestamp,power=GPU0,power=GPU1
//	smi=FILE?gpus=8&gpu-name=NVIDIA A100-PCIe-40GB
//
// A path may hold question marks and ampersands itself: what follows the last
// question mark is taken for keys only if all of it has the form key=value&... A
// path that ends in such a text is written with a question mark behind it.
type Config struct {
	// Path is the log.
	Path string
	// Location is where the time stamps are from that have no zone; nil means
	// time.Local.
	Location *time.Location
	// Offset is added to every time stamp: the clock of this machine minus the
	// clock of the log's host. Of a log whose times count from its beginning it is
	// when that was, since 1970.
	Offset time.Duration
	// MaxGap is how far apart two readings may be for the time between them to
	// count as known; 0 means 3 s.
	MaxGap time.Duration
	// Devices selects GPUs as [energy.Select] does, or by what the log calls
	// them: card0, a serial number. An element may hold several, separated by
	// commas. Empty means all. They stay in the order of the log.
	Devices []string
	// Columns says what columns hold whose names say too little, as
	// time=when,power=GPU0,power=GPU1: a kind and a name. The kinds are time, power,
	// energy, gpu, uuid, name, limit and host. Several columns of power are a GPU
	// each. In a log without a header a column is its place: time=#1,power=#3.
	Columns string
	// GPUs is how many GPUs the rows are of, if no column says it: so many rows
	// have one time stamp, in the same order again and again. 0 means that such a
	// log must be one GPU's, and that its time stamps must show it.
	GPUs int
	// GPUName is the model of the GPUs, such as "NVIDIA A100-PCIe-40GB", where the
	// log does not have it.
	GPUName string
	// Decimal is comma or point: how numbers are written, where the log does not show
	// it.
	Decimal string
	// EnergyStart and EnergyEnd are the snapshots of amd-smi's energy
	// accumulators before and after the log (amd-smi metric -E --csv), for
	// [Source.CrossCheck]. Empty means the log's path, without .csv, with
	// _energy_start.csv and _energy_end.csv behind it.
	EnergyStart, EnergyEnd string

	given columns // of Columns
}

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

// form is how an argument looks, for messages.
const form = "POWERTEST_SOURCE='smi=gpu.csv?tz=Europe/Berlin&offset=1.5s&gap=3s'"

func malformed(format string, args ...any) error {
	return fmt.Errorf("smi: %w: "+format, append([]any{energy.ErrMalformed}, args...)...)
}

// parse parses what follows the name of the source.
func parse(arg string) (Config, error) {
	cfg := Config{Path: arg}
	if i := strings.LastIndexByte(arg, '?'); i >= 0 && arePairs(arg[i+1:]) {
		cfg.Path = arg[:i]
		for pair := range strings.SplitSeq(arg[i+1:], "&") {
			if pair == "" {
				continue
			}
			key, value, _ := strings.Cut(pair, "=")
			if u, err := url.PathUnescape(value); err == nil {
				value = u // a plus sign stays one
			}
			if err := cfg.set(key, value); err != nil {
				return cfg, err
			}
		}
	}
	return cfg, nil
}

// arePairs reports whether text is nothing but keys and values.
func arePairs(text string) bool {
	for pair := range strings.SplitSeq(text, "&") {
		key, _, found := strings.Cut(pair, "=")
		if pair != "" && (!found || strings.ContainsAny(key, `/\.`)) {
			return false
		}
	}
	return true
}

func (cfg *Config) set(key, value string) error {
	var err error
	switch key {
	case "tz":
		if cfg.Location, err = timezone.Parse(value); err != nil {
			return malformed("tz=%s is not a time zone\ngive a name such as Europe/Berlin, UTC or Local, or an offset such as +0200", value)
		}
	case "offset":
		if cfg.Offset, err = time.ParseDuration(value); err != nil {
			return malformed("offset=%s is not a time\ngive how far this machine's clock is ahead, for instance offset=1.5s", value)
		}
	case "gap":
		if cfg.MaxGap, err = time.ParseDuration(value); err != nil || cfg.MaxGap <= 0 {
			return malformed("gap=%s is not a time above 0\ngive how far apart readings may be, for instance gap=3s", value)
		}
	case "columns":
		cfg.Columns = value
	case "gpus":
		if cfg.GPUs, err = strconv.Atoi(value); err != nil || cfg.GPUs <= 0 {
			return malformed("gpus=%s is not a number above 0\ngive how many rows have one time stamp, for instance gpus=8", value)
		}
	case "gpu-name":
		cfg.GPUName = value
	case "decimal":
		cfg.Decimal = value
	case "energy_start":
		cfg.EnergyStart = value
	case "energy_end":
		cfg.EnergyEnd = value
	default:
		return malformed("%q is not a key\nthe keys are tz, offset, gap, columns, gpus, gpu-name, decimal, energy_start and energy_end, as in %s", key, form)
	}
	return nil
}

// complete checks the configuration and fills in its defaults.
func (cfg Config) complete() (Config, error) {
	if strings.TrimSpace(cfg.Path) == "" {
		return cfg, malformed("no file is given\nset for instance %s", form)
	}
	if cfg.MaxGap < 0 {
		return cfg, malformed("the longest gap is %v, not more than 0", cfg.MaxGap)
	}
	if cfg.GPUs < 0 {
		return cfg, malformed("the log is said to be of %d GPUs", cfg.GPUs)
	}
	if cfg.Decimal != "" && cfg.Decimal != "comma" && cfg.Decimal != "point" {
		return cfg, malformed("decimal=%s is neither comma nor point", cfg.Decimal)
	}
	var err error
	if cfg.given, err = parseColumns(cfg.Columns); err != nil {
		return cfg, err
	}
	cfg.MaxGap = cmp.Or(cfg.MaxGap, defaultMaxGap)
	cfg.Location = cmp.Or(cfg.Location, time.Local)
	const century = 100 * 365 * 24 * time.Hour // times of a log may count from its beginning
	if cfg.Offset.Abs() > century {
		return cfg, malformed("an offset of %v is more than a century", cfg.Offset)
	}
	stem := strings.TrimSuffix(cfg.Path, ".csv")
	cfg.EnergyStart = cmp.Or(cfg.EnergyStart, stem+"_energy_start.csv")
	cfg.EnergyEnd = cmp.Or(cfg.EnergyEnd, stem+"_energy_end.csv")
	return cfg, nil
}
