package limits

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/component"
)

func TestProblem(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, value, want string }{
		{"MemoryMx", "512M", "write MemoryMax;"},
		{"limitnofile", "512", "write LimitNOFILE;"},
		{"LimitNOFILES", "65536", "write LimitNOFILE"},
		{"CPUQuta", "50%", "write CPUQuota"},
		{"ExecStart", "/bin/sh", "drop_ins"},
		{"ExecStart", "/bin/sh", "is no limit of systemd"},
		{"", "1", "such as MemoryMax"},
		{"MemoryMax", "", "no value"},
		{"MemoryMax", "1G\nExecStart=/bin/sh", "no value"},
		{"Slice", `a\`, "no value"},
		{"MemoryMax", "lots", "such as 512M"},
		{"MemoryMax", "512MB", "such as 512M"},
		{"MemoryHigh", "512m", "such as 512M"},
		{"MemoryMax", "0", "such as 512M"},
		{"MemoryMax", "101%", "such as 25%"},
		{"MemoryLow", "-1", "such as 512M"},
		{"TasksMax", "0", "above 0"},
		{"TasksMax", "1K", "above 0"},
		{"CPUQuota", "50", "such as 50%"},
		{"CPUQuota", "0%", "such as 50%"},
		{"CPUQuota", "infinity", "such as 50%"},
		{"LimitNOFILE", "1K", "1024:65536"},
		{"LimitNOFILE", "20:10", "1024:65536"},
		{"LimitNOFILE", "infinity:10", "1024:65536"},
		{"LimitNPROC", "many", "1024:65536"},
		{"CPUWeight", "0", "1 to 10000"},
		{"IOWeight", "high", "1 to 10000"},
		{"Nice", "20", "-20 to 19"},
		{"OOMScoreAdjust", "-1001", "-1000 to 1000"},
		{"OOMPolicy", "never", "continue, stop, kill"},
	} {
		if got := Problem(c.name, c.value); got == "" || !strings.Contains(got, c.want) {
			t.Errorf("%s=%s: got %q, want %q", c.name, c.value, got, c.want)
		}
	}
}

func TestSafe(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"MemoryMax=512M": true, "MemoryMx=lots": true, "IPAddressDeny=any": true, "ExecStart=/bin/sh": false, "User=root": false, "MemoryMax=1\nUser=root": false, "MemoryMax=1\\": false, "Memory Max=1": false,
	} {
		name, value, _ := strings.Cut(text, "=")
		if got := Safe(name, value); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}

// ignored are those of the settings, each a line, that the systemd of this machine leaves out, with its words.
func ignored(t *testing.T, settings []string) map[string]string {
	t.Helper()
	program, err := exec.LookPath("systemd-analyze")
	if err != nil {
		component.Missing(t, "systemd-analyze is missing, which says what systemd obeys: apt-get install systemd")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "limits.service")
	if err := os.WriteFile(file, []byte("[Service]\nExecStart=/bin/true\n"+strings.Join(settings, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), program, "verify", "--man=no", file)
	command.Env = append(command.Environ(), "LC_ALL=C", "SYSTEMD_LOG_TARGET=console")
	out, _ := command.CombinedOutput()
	found := map[string]string{}
	for _, match := range regexp.MustCompile(regexp.QuoteMeta(file)+`:(\d+): (.*)`).FindAllStringSubmatch(string(out), -1) {
		line, _ := strconv.Atoi(match[1])
		if strings.Contains(match[2], "ignoring") || strings.Contains(match[2], "Unknown") {
			found[settings[line-3]] = match[2]
		}
	}
	return found
}

// Nothing that systemd obeys is refused.
func TestRefusesOnlyWhatSystemdIgnores(t *testing.T) {
	t.Parallel()
	values := []string{
		"0", "1", "10", "010", "0x10", "1000", "10000", "10001", "65536", "-1", "-20", "19", "1.5", "512M", "1.5G", "1G512M", "1G 512M", "512 M", "512m", "512MB", "1B", "1K", "lots",
		"0%", "1%", "12.5%", "12.34%", "12.345%", "50 %", "100%", "101%", "250%", "50‰", "12.5‰", "5‱", "infinity", "10:20", "20:10", "10:infinity", "infinity:10", "infinity:infinity",
		"5:", ":5", "idle", "continue", "kill", "never", "default",
	}
	var settings []string
	for _, name := range slices.Sorted(maps.Keys(known)) {
		for _, value := range values {
			if known[name].wrong != nil {
				settings = append(settings, name+"="+value)
			}
		}
	}
	theirs := ignored(t, settings)
	if len(theirs) < 100 {
		t.Fatalf("systemd ignores no more than %v", theirs)
	}
	for _, setting := range settings {
		name, value, _ := strings.Cut(setting, "=")
		if problem := Problem(name, value); problem != "" && theirs[setting] == "" {
			t.Errorf("%s is obeyed, and refused: %s", setting, problem)
		}
	}
}

// What is known as a limit is one of the systemd of this machine, but for what others have.
func TestKnowsSystemdsLimits(t *testing.T) {
	t.Parallel()
	elsewhere := map[string]bool{}
	for _, name := range []string{ // By systemd's NEWS: those that came with 253 to 258, then those that 258 has no more.
		"StartupMemoryLow", "DefaultStartupMemoryLow", "StartupMemoryHigh", "StartupMemoryMax", "StartupMemorySwapMax", "MemoryZSwapMax", "StartupMemoryZSwapMax",
		"MemoryZSwapWriteback", "MemoryPressureWatch", "MemoryPressureThresholdSec", "MemoryKSM", "ManagedOOMMemoryPressureDurationSec", "CPUPressureWatch",
		"CPUPressureThresholdSec", "IOPressureWatch", "IOPressureThresholdSec", "BindNetworkInterface", "NFTSet", "DelegateSubgroup", "CoredumpReceive",
		"MemoryLimit", "CPUShares", "StartupCPUShares", "BlockIOAccounting", "BlockIOWeight", "StartupBlockIOWeight", "BlockIODeviceWeight", "BlockIOReadBandwidth", "BlockIOWriteBandwidth",
	} {
		elsewhere[name] = true
	}
	var settings []string
	for name := range known {
		settings = append(settings, name+"=1")
	}
	for setting, words := range ignored(t, settings) {
		if name := strings.TrimSuffix(setting, "=1"); strings.Contains(words, "Unknown") && !elsewhere[name] {
			t.Errorf("%s: %s", name, words)
		}
	}
}
