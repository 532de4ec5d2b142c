package known

// A Variable is one of the environment that this module reads.
type Variable struct {
	Name string
	// Is says what its value is and does, in some words.
	Is string
}

// Variables are all of them: those of its own, and then those of others that it heeds.
var Variables = []Variable{
	{"POWERTEST_SOURCE", "where the energy comes from: see powertest help sources"},
	{"POWERTEST_DEVICES", "which devices count, with commas: an index, a range such as 0-3, a UUID or its beginning, a PCI address, HOST, HOST/INDEX, a kind such as cpu, or all"},
	{"POWERTEST_STRICT", "1: a benchmark without an energy measurement fails"},
	{"POWERTEST_PROFILE", "the file of a calibration, which powertest doctor -profile writes, or off; by default powertest/profile.json in the user's configuration directory, if it is there"},
	{"POWERTEST_TOKENS", "the inference servers whose counters count tokens and requests, such as vllm=http://HOST:8000"},
	{"POWERTEST_TRACE", "a directory for one file of each measurement, with all that is known of it"},
	{"POWERTEST_HTTP_BEARER_TOKEN", "a token that is sent to exporters and servers; with _FILE, a file that has it"},
	{"POWERTEST_HTTP_USER", "the user's name for them"},
	{"POWERTEST_HTTP_PASSWORD", "the password for them; with _FILE, a file that has it"},
	{"POWERTEST_HTTP_HEADERS", "more headers that are sent to them"},
	{"POWERTEST_HTTP_CA_FILE", "a file of certificates that they are verified by"},
	{"REQUIRE_POWER", "1: as annotate -require"},
	{"CUDA_VISIBLE_DEVICES", "which NVIDIA GPUs count by default"},
	{"ROCR_VISIBLE_DEVICES", "which AMD GPUs do, with HIP_VISIBLE_DEVICES"},
	{"GITHUB_ACTIONS", "true: regressions are written as annotations, too"},
	{"NO_COLOR", "any value: no colours; TERM=dumb does the same, and no line is written over"},
}
