package amdsource

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/drm"
	"github.com/joulebench/joulebench/internal/drm/drmtest"
)

// instinct is a GPU with a counter, at an address whose bus is 0x10 × (1+number).
func instinct(number int, content uint8, size int, watts uint16) drmtest.Card {
	return drmtest.Card{
		PCI: "0000:" + strconv.FormatInt(int64(16*(1+number)), 16) + ":00.0", Vendor: uint16(drm.AMD), Model: 0x74a1, Driver: "amdgpu",
		Files: map[string]string{
			"unique_id":     strconv.FormatUint(0xc0ffee0000000000+uint64(number), 16) + "\n",
			"product_name":  "AMD Instinct MI300X OAM\n",
			"vbios_version": "113-M3000100-102\n",
			"gpu_metrics":   string(blob(content, size, fields{watts, 1 << 32, 0, 1})),
		},
		Monitor: map[string]string{"name": "amdgpu\n", "power1_label": "PPT\n", "power1_average": strconv.Itoa(int(watts)*1e6) + "\n", "power1_cap": "750000000\n",
			"temp1_label": "edge\n", "temp1_input": "41000\n", "temp2_label": "junction\n", "temp2_input": "52000\n",
		},
	}
}

// radeon is a GPU that reports its power only.
func radeon(pci string, monitor map[string]string) drmtest.Card {
	if monitor == nil {
		monitor = map[string]string{"power1_average": "35000000\n", "power1_cap": "255000000\n"}
	}
	monitor["name"] = "amdgpu\n"
	return drmtest.Card{PCI: pci, Vendor: uint16(drm.AMD), Model: 0x73bf, Driver: "amdgpu", Files: map[string]string{}, Monitor: monitor}
}

// run makes the counters of GPUs count a constant power, with a tick, until the test ends.
// Only eight bytes of the table are written at once, which a reader sees all or none of.
// stamped says whether the driver's stamp is that of this machine's clock.
func run(t testing.TB, root string, tick time.Duration, stamped bool, cards map[*drmtest.Card]float64) (stop func()) {
	t.Helper()
	var refresh []func(elapsed time.Duration)
	for c, watts := range cards {
		path := filepath.Join(c.Dir(root), "gpu_metrics")
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		begin, err := parse(data)
		require.NoError(t, err)
		file, err := os.OpenFile(path, os.O_WRONLY, 0)
		require.NoError(t, err)
		t.Cleanup(func() { file.Close() })
		put := func(value uint64, at int) {
			_, err := file.WriteAt(binary.LittleEndian.AppendUint64(nil, value), int64(at))
			assert.NoError(t, err)
		}
		for _, l := range layouts[begin.content] {
			if l.size != len(data) {
				continue
			}
			refresh = append(refresh, func(elapsed time.Duration) {
				put(begin.energy.value+uint64(math.Round(watts*elapsed.Seconds()/unit)), l.energy)
				if up, ok := bootTime(); stamped && ok {
					put(uint64(up), l.clock)
				}
			})
		}
	}
	return drmtest.Tick(tick, func(elapsed time.Duration) {
		for _, f := range refresh {
			f(elapsed)
		}
	})
}

// TestMain: what hides GPUs from programs on the machine that tests run on is not about those
// of a test.
func TestMain(m *testing.M) {
	for _, name := range visibility {
		os.Unsetenv(name)
	}
	os.Exit(m.Run())
}
