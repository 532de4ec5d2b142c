//go:build cgo

package nvmlsource

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/joulebench/joulebench/powertest/energy"
)

const inspectTimeout = 2 * time.Second

// Inspect reads temperature, throttling and processes. It takes milliseconds
// per GPU, and at most 2 s: then the states carry an error that wraps
// [energy.ErrStalled].
//
// The causes of throttling are sw_power_cap (the power limit, normal at full
// load), sync_boost, sw_thermal, hw_thermal and power_brake. Processes are those
// with compute or graphics contexts; in a container, drivers may hide those of
// others, or number this process as the host does, so that it seems another.
func (s *Source) Inspect(dst []energy.State) {
	if s.closed.Load() {
		failStates(dst, errClosed)
		return
	}
	if !s.inspecting.CompareAndSwap(false, true) {
		failStates(dst, fmt.Errorf("nvml: %w: an earlier inspection has not come back", energy.ErrStalled))
		return
	}
	states := slices.Clone(dst) // dst is the caller's again if the driver hangs
	if within(inspectTimeout, func() {
		defer s.inspecting.Store(false)
		for i := range states {
			s.inspect(&states[i])
		}
	}) {
		copy(dst, states)
	} else {
		failStates(dst, fmt.Errorf("nvml: %w: the driver did not answer within %v", energy.ErrStalled, inspectTimeout))
	}
}

func failStates(dst []energy.State, err error) {
	for i := range dst {
		dst[i] = energy.State{Device: dst[i].Device, At: time.Now(), Err: err}
	}
}

func (s *Source) inspect(st *energy.State) {
	*st = energy.State{Device: st.Device, At: time.Now()}
	if uint(st.Device) >= uint(len(s.meters)) {
		st.Err = errIndex
		return
	}
	h := s.meters[st.Device].handle
	celsius, ret := s.driver.temperature(h)
	st.Celsius, st.HasCelsius = float64(celsius), ret == nvml.SUCCESS
	var errThrottled, errProcesses error
	st.Throttled, errThrottled = s.driver.throttled(h)
	st.Processes, errProcesses = s.driver.processes(h)
	st.Err = errors.Join(missing("temperature", ret), errThrottled, errProcesses)
}

// missing returns the error of reading what, and nil if there is no such thing
// on this GPU, which is no failure.
func missing(what string, ret nvml.Return) error {
	if ret == nvml.SUCCESS || unavailable(ret) {
		return nil
	}
	return fmt.Errorf("nvml: read the %s: %w", what, code(ret))
}

// throttleFields are counters of nanoseconds.
var throttleFields = []struct {
	id    uint32
	cause string
}{
	{nvml.FI_DEV_CLOCKS_EVENT_REASON_SW_POWER_CAP, "sw_power_cap"},
	{nvml.FI_DEV_CLOCKS_EVENT_REASON_SYNC_BOOST, "sync_boost"},
	{nvml.FI_DEV_CLOCKS_EVENT_REASON_SW_THERM_SLOWDOWN, "sw_thermal"},
	{nvml.FI_DEV_CLOCKS_EVENT_REASON_HW_THERM_SLOWDOWN, "hw_thermal"},
	{nvml.FI_DEV_CLOCKS_EVENT_REASON_HW_POWER_BRAKE_SLOWDOWN, "power_brake"},
}

// throttled returns the causes that the GPU counts; nil if it counts none.
func (d *driver) throttled(h nvml.Device) (map[string]time.Duration, error) {
	values := make([]nvml.FieldValue, len(throttleFields))
	for i, f := range throttleFields {
		values[i].FieldId = f.id
		values[i].NvmlReturn = uint32(nvml.ERROR_NO_DATA)
	}
	if ret := d.fields(h, values); ret != nvml.SUCCESS {
		return nil, missing("throttle counters", ret)
	}
	var held map[string]time.Duration
	var errs []error
	for i, f := range throttleFields {
		v := values[i]
		if ret := nvml.Return(v.NvmlReturn); ret != nvml.SUCCESS {
			errs = append(errs, missing("throttle counter "+f.cause, ret))
			continue
		}
		ns, wide := whole(nvml.ValueType(v.ValueType), v.Value)
		if !wide || int64(ns) < 0 { // NVML_VALUE_NOT_AVAILABLE is -1
			continue
		}
		if held == nil {
			held = make(map[string]time.Duration, len(throttleFields))
		}
		held[f.cause] = time.Duration(ns)
	}
	return held, errors.Join(errs...)
}

// processes returns the other processes on the GPU, each once; nil if the
// driver does not report them, and empty if there are none.
func (d *driver) processes(h nvml.Device) ([]energy.Process, error) {
	compute, ret := d.computeProcesses(h)
	graphics, ret2 := d.graphicsProcesses(h)
	err := errors.Join(missing("compute processes", ret), missing("graphics processes", ret2))
	if ret != nvml.SUCCESS && ret2 != nvml.SUCCESS {
		return nil, err
	}
	found := []energy.Process{}
	for _, p := range slices.Concat(compute, graphics) {
		pid := int(p.Pid)
		known := slices.ContainsFunc(found, func(f energy.Process) bool { return f.PID == pid })
		if pid == os.Getpid() || known {
			continue
		}
		proc := energy.Process{PID: pid}
		if name, ret := d.exeName(pid); ret == nvml.SUCCESS && name != "" {
			proc.Name = filepath.Base(name)
		}
		found = append(found, proc)
	}
	return found, err
}

// Modes returns settings of the device, by its index in [Source.Devices], that matter
// to its measurement; nil is unknown. Persistence says that the driver stays loaded
// while no program uses the GPU: if not, its counter may start again, and opening it
// takes seconds. MIG says that the GPU is divided into instances, which have no
// counters of their own. Modes asks the driver, as [Source.Inspect] does, and is as
// little for use while something is measured.
func (s *Source) Modes(device int) (persistence, mig *bool) {
	if s.closed.Load() || uint(device) >= uint(len(s.meters)) {
		return nil, nil
	}
	h := s.meters[device].handle
	if on, ret := s.driver.persistence(h); ret == nvml.SUCCESS {
		persistence = &on
	}
	if on, ret := s.driver.migMode(h); ret == nvml.SUCCESS {
		mig = &on
	}
	return persistence, mig
}
