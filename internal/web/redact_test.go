package web

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestRedactSource(t *testing.T) {
	for value, want := range map[string]string{
		"":                                    "…",
		"nvml":                                "nvml",
		"nvml=/usr/lib/libnvidia-ml.so.1":     "nvml=/usr/lib/libnvidia-ml.so.1",
		"sim=gpus=2,idle=90":                  "sim=gpus=2,idle=90",
		"smi=gpu.csv?tz=Europe/Berlin&gap=3s": "smi=gpu.csv?tz=Europe/Berlin&gap=3s",
		`smi=C:\logs\gpu.csv`:                 `smi=C:\logs\gpu.csv`,
		"dcgm=a:9400,http://b/m#decode":       "dcgm=a:9400,http://b/m",
		"dcgm=[::1]:9400":                     "dcgm=[::1]:9400",
		"dcgm=http://h/good?token=S":          "dcgm=http://h/good?…",
		"dcgm=http://h/good?S":                "dcgm=http://h/good?…",
		"dcgm=http://a?t=S,http://b?u=S":      "dcgm=http://a?…",
		"dcgm=http://u:S@h,u:S@g":             "dcgm=…@g",
		"dcgm=http://u:S":                     "dcgm=http://…",
		"dcgm=u:S,":                           "dcgm=…,",
		"dcgm=http://h?token=a@S":             "dcgm=…",
		"http://u:S@h/m?token=S":              "…@h/m?…",
		`prometheus=http://h?apikey=S&selector={job="a",x=~"b"}&collect=1s&role.prefill=n-1,n-2&S`: `prometheus=http://h?…&selector={job="a",x=~"b"}&collect=1s&role.prefill=n-1,n-2&…`,
		`prometheus=http://h?selector={}?token=S`:                                                  `prometheus=http://h?…`,
		"dcgm=http://h/m;token=S":                                                                  "dcgm=http://h/m",
		"http://h;token=S":                                                                         "http://h",
		`dcgm=http://h?selector=S`:                                                                 `dcgm=http://h?…`,
		"dcgm=http://h?kind=cpu&metric=acme_joules_total&unit=J&id=card&model=name&token=S":        "dcgm=http://h?kind=cpu&metric=acme_joules_total&unit=J&id=card&model=name&…",
		"dcgm=http://a?kind=cpu,http://u:S":                                                        "dcgm=http://a?…",
		"dcgm=http://a?kind=S/":                                                                    "dcgm=http://a?…",
		"prometheus=http://h?kind=cpu&metric=S%2F":                                                 "prometheus=http://h?kind=cpu&…",
		"zeusd=http://h?metric=S":                                                                  "zeusd=http://h?…",
		"trtllm=http://h?kind=S":                                                                   "trtllm=http://h?…",
		"rapl=root=/host":                                                                          "rapl=root=/host",
		"amd=root=/host?x=y":                                                                       "amd=root=/host?x=y",
		"rapl=root=u:S@h":                                                                          "rapl=…@h",
		"zeusd":                                                                                    "zeusd",
		"zeusd=/run/zeusd/zeusd.sock?kind=all":                                                     "zeusd=/run/zeusd/zeusd.sock?kind=all",
		"zeusd=unix:/run/z.sock":                                                                   "zeusd=unix:/run/z.sock",
		"zeusd=http://u:S@h?kind=cpu":                                                              "zeusd=…@h?kind=cpu",
		"trtllm=http://h:8000?token=S":                                                             "trtllm=http://h:8000?…",
		`own=http://h?selector=S`:                                                                  `own=http://h?…`,
	} {
		if want == "…" && value == "" {
			want = ""
		}
		assert.Equal(t, want, RedactSource(value), value)
	}
}

// FuzzRedactSource: whatever surrounds a secret, where an address can have one it is
// not shown.
func FuzzRedactSource(f *testing.F) {
	f.Add("dcgm", "node-1", "user", "a:b", uint8(0))
	f.Add("prometheus", "[::1]:9090", "", "x/y", uint8(3))
	f.Add("", "h", "u", "p?q=r#s,t", uint8(5))
	f.Fuzz(func(t *testing.T, name, host, user, around string, form uint8) {
		const secret = "hunter2"
		// Anything may stand in a password, and before or after it.
		password := around + secret + around
		if name != "" {
			name += "="
		}
		var value string
		switch form % 7 {
		case 0:
			value = name + "http://" + user + ":" + password + "@" + host
		case 1:
			value = name + user + ":" + password + "@" + host + "/m?a=b"
		case 2:
			value = name + "http://" + host + "?token=" + password
		case 3:
			value = name + "http://" + host + "?" + secret
		case 4:
			value = name + "http://" + host + "/m?a=b&token=" + password + "&c=" + secret
		case 5: // cut before the @
			value = name + "http://" + user + ":" + secret
		case 6:
			value = name + "http://" + host + "?token=" + secret + ",http://" + user + ":" + secret + "@" + host
		}
		if strings.Contains(name+host+user, secret) || strings.ContainsAny(name[:max(len(name)-1, 0)]+host+user, "=?#/,@&:") || name == "" && value == "" {
			t.Skip("what is no address of this form")
		}
		if n := strings.TrimSuffix(name, "="); n == "prometheus" && strings.ContainsAny(around, "&") {
			t.Skip("a piece of a password can be a parameter of ours")
		}
		assert.NotContains(t, RedactSource(value), secret, value)
		assert.NotContains(t, fmt.Sprint(Address(strings.TrimPrefix(value, name))), secret, value)
	})
}
