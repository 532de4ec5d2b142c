//go:build linux && cgo

package burn

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/stretchr/testify/require"
)

// change is a new value of a reading: it appeared between two times, and carries one.
type change struct {
	lo, hi time.Time
	value  uint64 // mJ or mW
	stamp  int64  // µs
}

// readings are those that are watched, by the number of their field.
var readings = []struct {
	name  string
	field uint32
	every int // of the reads of the counter
}{
	{"energy", nvml.FI_DEV_TOTAL_ENERGY_CONSUMPTION, 1},
	{"instant", nvml.FI_DEV_POWER_INSTANT, 5},
	{"average", nvml.FI_DEV_POWER_AVERAGE, 5},
}

// gpu returns the first GPU that the driver shows.
func gpu(t *testing.T) nvml.Device {
	t.Helper()
	require.Equal(t, nvml.SUCCESS, nvml.Init())
	d, ret := nvml.DeviceGetHandleByIndex(0)
	require.Equal(t, nvml.SUCCESS, ret)
	return d
}

// field reads one field. Its time is what the driver writes beside the value.
func field(d nvml.Device, id uint32) (value uint64, stamp int64, ret nvml.Return) {
	v := []nvml.FieldValue{{FieldId: id}}
	if ret = d.GetFieldValues(v); ret == nvml.SUCCESS {
		ret = nvml.Return(v[0].NvmlReturn)
	}
	value = binary.NativeEndian.Uint64(v[0].Value[:])
	if t := nvml.ValueType(v[0].ValueType); t == nvml.VALUE_TYPE_UNSIGNED_INT {
		value = uint64(binary.NativeEndian.Uint32(v[0].Value[:]))
	}
	return value, v[0].Timestamp, ret
}

// A watcher reads as often as the driver lets it, and keeps the changes.
type watcher struct {
	device  nvml.Device
	stop    chan struct{}
	once    sync.Once // that it is stopped
	done    sync.WaitGroup
	changes [3][]change
	reads   int
}

// watch begins to watch a GPU, at the longest until the test ends.
func watch(t testing.TB, d nvml.Device) *watcher {
	w := &watcher{device: d, stop: make(chan struct{})}
	w.done.Go(w.run)
	t.Cleanup(w.halt)
	return w
}

// halt stops it, and may be called again.
func (w *watcher) halt() {
	w.once.Do(func() { close(w.stop) })
	w.done.Wait()
}

func (w *watcher) run() {
	var seen [3]time.Time // the begin of the last read of the old value
	for ; ; w.reads++ {
		select {
		case <-w.stop:
			return
		default:
		}
		for i, r := range readings {
			if w.reads%r.every != 0 {
				continue
			}
			before := time.Now()
			value, stamp, ret := field(w.device, r.field)
			after := time.Now()
			if ret != nvml.SUCCESS {
				continue
			}
			if list := w.changes[i]; len(list) == 0 || list[len(list)-1].value != value {
				w.changes[i] = append(list, change{seen[i], after, value, stamp})
			}
			seen[i] = before
		}
		time.Sleep(100 * time.Microsecond)
	}
}

// end stops it, and writes what it saw.
func (w *watcher) end(out io.Writer) {
	w.halt()
	for i, r := range readings {
		for _, c := range w.changes[i][min(1, len(w.changes[i])):] {
			fmt.Fprintf(out, "%s,%d,%d,%d,%d\n", r.name, c.lo.UnixNano(), c.hi.UnixNano(), c.value, c.stamp)
		}
	}
}

// quantiles returns some of a list.
func quantiles(list []float64) string {
	if len(list) == 0 {
		return "none"
	}
	slices.Sort(list)
	at := func(q float64) float64 { return list[min(len(list)-1, int(q*float64(len(list))))] }
	return fmt.Sprintf("n %d, least %.4g, p5 %.4g, median %.4g, p95 %.4g, p99 %.4g, most %.4g",
		len(list), list[0], at(.05), at(.5), at(.95), at(.99), list[len(list)-1])
}
