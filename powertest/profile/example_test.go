package profile_test

import (
	"fmt"
	"log"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/profile"
	"github.com/joulebench/joulebench/simsource"
)

// A recorder measures by a profile: what powertest does with the one that POWERTEST_PROFILE
// names. The sensor of this device shows 95 % of the power, less 22 W.
func ExampleProfile_Calibrate() {
	src := simsource.New(simsource.Config{})
	defer src.Close()
	p, err := profile.Parse([]byte(`{
		"schema_version": 1,
		"devices": [{
			"uuid": "SIM-00000000-0000-0000-0000-000000000000", "method": "counter",
			"meter": {"gain": 0.95, "gain_sd": 0.002, "offset_watts": -22, "offset_sd_watts": 1}
		}]
	}`))
	if err != nil {
		log.Fatal(err)
	}
	rec := energy.NewRecorder(src)
	if err := p.Calibrate(rec); err != nil {
		log.Fatal(err)
	}
	watts, sd := rec.Devices()[0].Calibration.Scale.Watts(358)
	fmt.Printf("calibration: %s\n358 W reported are %.0f W ± %.0f W\n", p.ID(), watts, 2*sd)
	// Output:
	// calibration: 5faec4811af4
	// 358 W reported are 400 W ± 3 W
}
