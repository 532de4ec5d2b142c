package auto

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/energy/energytest"
)

// gpus and cpus are what opening the sources of this test gives; gpusAll is of all GPUs.
var gpus, gpusAll, cpus error

type named struct {
	energytest.Fake
	name string
}

func (n *named) Info() energy.Info { return energy.Info{Name: n.name} }

func init() {
	energy.Register(GPUs, func(_ string, devices []string) (energy.Source, error) {
		if err := map[bool]error{true: gpusAll, false: gpus}[len(devices) == 1 && devices[0] == "all"]; err != nil {
			return nil, fmt.Errorf("nvml: %w\ninstall the driver", err)
		}
		return &named{name: GPUs}, nil
	})
	energy.Register(CPUs, func(string, []string) (energy.Source, error) {
		if cpus != nil {
			return nil, fmt.Errorf("rapl: %w\n\tsudo modprobe", cpus)
		}
		return &named{name: CPUs}, nil
	})
}

// TestOrder: the GPUs if there are any, else the CPUs, else the reason of each.
func TestOrder(t *testing.T) {
	lost := energy.ErrDeviceLost
	for name, test := range map[string]struct {
		gpus, gpusAll, cpus error
		want                string // the source
		is                  []error
		isNot               error
	}{
		"both":                       {nil, nil, nil, GPUs, nil, nil},
		"GPUs":                       {nil, nil, fs.ErrPermission, GPUs, nil, nil},
		"no driver":                  {fs.ErrNotExist, fs.ErrNotExist, nil, CPUs, nil, nil},
		"no cgo":                     {errors.ErrUnsupported, errors.ErrUnsupported, nil, CPUs, nil, nil},
		"a GPU that reports nothing": {energy.ErrNoEnergy, energy.ErrNoEnergy, nil, CPUs, nil, nil},
		"a driver and no GPU":        {energy.ErrNoDevice, energy.ErrNoDevice, nil, CPUs, nil, nil},
		"hidden GPUs":                {energy.ErrNoDevice, nil, nil, "", []error{energy.ErrNoDevice}, nil},
		"a lost GPU":                 {lost, lost, nil, "", []error{lost}, nil},
		"no permission for GPUs":     {fs.ErrPermission, fs.ErrPermission, nil, "", []error{fs.ErrPermission}, nil},
		"nothing":                    {fs.ErrNotExist, fs.ErrNotExist, energy.ErrNoDevice, "", []error{fs.ErrNotExist}, energy.ErrNoDevice},
		"no permission for CPUs":     {fs.ErrNotExist, fs.ErrNotExist, fs.ErrPermission, "", []error{fs.ErrNotExist, fs.ErrPermission}, energy.ErrNoDevice},
	} {
		t.Run(name, func(t *testing.T) {
			gpus, gpusAll, cpus = test.gpus, test.gpusAll, test.cpus
			src, err := energy.Open(Name, "", nil)
			if test.want != "" {
				require.NoError(t, err)
				assert.Equal(t, test.want, src.Info().Name)
				return
			}
			require.Error(t, err)
			assert.Nil(t, src)
			for _, is := range test.is {
				assert.ErrorIs(t, err, is)
			}
			if test.isNot != nil {
				assert.NotErrorIs(t, err, test.isNot)
				advice := "install the driver"
				if errors.Is(test.cpus, fs.ErrPermission) || errors.Is(test.cpus, fs.ErrNotExist) {
					advice = "\tsudo modprobe"
				}
				assert.Equal(t, fmt.Sprintf("nvml: %v; rapl: %v\n%s", test.gpus, test.cpus, advice), err.Error(), "one advice")
				assert.True(t, Absent(err), "a simulation may take the place of GPUs")
			}
		})
	}
	_, err := energy.Open(Name, "x", nil)
	assert.ErrorIs(t, err, energy.ErrMalformed)
}
