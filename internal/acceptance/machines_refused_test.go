package acceptance_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// A host with another key than the one that is written down, a program of another kind of machine, and a full disk: each is told of by
// what names it, before anything was started or changed.
func TestMachinesRefused(t *testing.T) {
	r := newFleetRig(t)
	f := r.fleet
	r.deploy(config{Version: "1"})
	host := f.hosts[2]
	stop := r.traffic()

	f.hostKeys = map[string]string{host.Name: f.hosts[0].HostKey}
	r.write(config{Version: "2"}.hcl(r))
	p := r.plan()
	wantSaid(t, p.text, "Warning:", fingerprint(t, host.HostKey))
	wantSaid(t, r.apply(1), fingerprint(t, host.HostKey), host.Name)
	f.untouched("1")
	f.hostKeys = nil
	r.write(config{Version: "1"}.hcl(r))
	r.apply(0) // The definition that was recorded meanwhile goes back.
	r.runs("1")

	foreign := filepath.Join(r.dir, "web")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", foreign, "./cmd/web")
	cmd.Dir, cmd.Env = filepath.Join(built.root, "tools/demo"), append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+map[bool]string{true: "arm64", false: "amd64"}[runtime.GOARCH == "amd64"])
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build for another kind of machine: %v\n%s", err, out)
	}
	r.write(config{Version: "2", ArtifactPath: foreign}.hcl(r))
	wantSaid(t, r.apply(1), "Hosts a, b and c: the program ./web is for", "build it for linux/"+runtime.GOARCH)
	f.untouched("1")
	r.runs("1")

	free := host.Run(t, "df --output=avail -B1 /srv | tail -n 1")
	n, err := strconv.ParseInt(strings.TrimSpace(free), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	host.Run(t, fmt.Sprintf("fallocate -l %d /srv/full", n-(5<<20)))
	t.Cleanup(func() { host.Run(t, "rm -f /srv/full") })
	r.write(config{Version: "3", ArtifactPath: r.bigArtifact(1<<20, 3)}.hcl(r))
	wantSaid(t, r.apply(1), "Host "+host.Name+": "+f.directory, "MiB free", "make room")
	f.untouched("1")
	r.runs("1")
	host.Run(t, "rm -f /srv/full")
	r.apply(0)
	r.runs("3")
	wantActions(t, r.plan(), map[string]string{})
	if lost := stop().lost; len(lost) > 0 {
		t.Errorf("%d requests were lost: %v", len(lost), lost[:min(len(lost), 3)])
	}
}

// untouched asserts that no unit of another version is or was on any host.
func (f *fleet) untouched(version string) {
	f.t.Helper()
	for _, h := range f.hosts {
		for _, line := range strings.Split(h.Run(f.t, "cat /etc/systemd/system/production-web-*.service | grep -h DEPLOY_RELEASE || :"), "\n") {
			if line != "" && !strings.Contains(line, "production/web/"+version+"-") {
				f.t.Errorf("host %s has a unit of another release: %s", h.Name, line)
			}
		}
	}
}

// fingerprint is what ssh-keygen -l says of a public key.
func fingerprint(t *testing.T, line string) string {
	t.Helper()
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	return ssh.FingerprintSHA256(key)
}
