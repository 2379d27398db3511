package acceptance_test

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/machinetest"
)

// sshd of one host ends in the middle of an upload and comes back: the release passes, with what had arrived before. A disk that is full
// in the middle of an upload takes the release back.
func TestMachinesUpload(t *testing.T) {
	r := newFleetRig(t)
	r.deploy(config{Version: "1"})
	stop := r.traffic()
	host := r.fleet.hosts[1]
	const size = 96 << 20
	r.write(config{Version: "2", ArtifactPath: r.bigArtifact(size, 1)}.hcl(r))
	// What writes it there is held until nothing more can come: to stop sshd may take longer than the rest of the upload.
	cut := r.fleet.inTheUpload(host, "pkill -STOP -x cat; systemctl stop ssh.service; pkill -KILL -x sshd; pkill -CONT -x cat")
	run := r.start("apply", "-auto-approve", "-no-color", "-input=false")
	part := cut(run)
	if part < 1<<20 || part >= size {
		t.Errorf("it was cut off after %d bytes, which is not in the middle", part)
	}
	// It is away for longer than a connection takes that is only slow.
	time.Sleep(2 * time.Second)
	if now := r.fleet.arrived(host); now < part {
		t.Errorf("%d bytes are left of %d that had arrived", now, part)
	}
	host.StartSSH(t)
	if code := r.waitFor(run, 2*patience); code != 0 {
		t.Fatalf("terraform exited with %d:\n%s", code, run.output.String())
	}
	r.runs("2")
	wantActions(t, r.plan(), map[string]string{})

	// The disk of a host is full by the time that the artifact arrives: all is put back, on the other hosts as well.
	c := config{Version: "3", ArtifactPath: r.bigArtifact(size, 2)}
	r.write(c.hcl(r))
	// What writes it there is held meanwhile: to fill the disk may take longer than the rest of the upload.
	cut = r.fleet.inTheUpload(host, `pkill -STOP -x cat; fallocate -l "$(df --output=avail -B1 /srv | tail -n 1)" /srv/full; pkill -CONT -x cat`)
	t.Cleanup(func() { host.Run(t, "rm -f /srv/full") })
	run = r.start("apply", "-auto-approve", "-no-color", "-input=false")
	cut(run)
	if code := r.waitFor(run, 2*patience); code != 1 {
		t.Errorf("terraform exited with %d", code)
	}
	wantSaid(t, run.output.String(), "Release Rolled Back", "host "+host.Name+" (root@", "is full: "+r.fleet.directory, "make room")
	r.runs("2")
	for _, h := range r.fleet.hosts {
		if left := h.Run(t, r.fleet.partial()+"; grep -l production/web/3- /etc/systemd/system/production-web-*.service || :"); left != "" {
			t.Errorf("on host %s is left: %s", h.Name, left)
		}
	}
	host.Run(t, "rm -f /srv/full")
	r.apply(0)
	r.runs("3")
	wantActions(t, r.plan(), map[string]string{})
	if lost := stop().lost; len(lost) > 0 {
		t.Errorf("%d requests were lost: %v", len(lost), lost[:min(len(lost), 3)])
	}
}

// partial finds artifacts of which more than a MiB has arrived, and not all.
func (f *fleet) partial() string { return "find " + f.directory + " -name '*.partial' -size +1024k" }

// inTheUpload runs a script on a host once a part of an artifact has arrived there. The returned function waits for its end, in a run of
// Terraform, and says how much had arrived then.
func (f *fleet) inTheUpload(h *machinetest.Host, script string) func(*running) int64 {
	f.t.Helper()
	type outcome struct {
		out string
		err error
	}
	done := make(chan outcome, 1)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	go func() {
		defer cancel()
		// The machine itself looks: an upload takes no longer than a second.
		out, err := h.Host.Run(ctx, `until [ -n "$(`+f.partial()+`)" ]; do sleep 0.01; done; `+script+`; `+f.partial()+` -printf '%s\n'`)
		done <- outcome{out, err}
	}()
	return func(run *running) int64 {
		f.t.Helper()
		var o outcome
		select {
		case o = <-done:
		case <-run.done:
			cancel()
			o = <-done
		}
		if o.err != nil {
			f.t.Fatalf("%v; terraform said:\n%s", o.err, run.output.String())
		}
		return number(o.out)
	}
}

// arrived is how many bytes of an artifact that is being sent a host has.
func (f *fleet) arrived(h *machinetest.Host) int64 {
	f.t.Helper()
	return number(h.Run(f.t, f.partial()+` -printf '%s\n'`))
}

func number(text string) int64 {
	n, _ := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	return n
}

// bigArtifact is the demo's program with so many bytes beside it.
func (r *rig) bigArtifact(size int64, seed byte) string {
	r.t.Helper()
	path := filepath.Join(r.dir, fmt.Sprintf("big%d.tar.gz", seed))
	f, err := os.Create(path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	packed, err := gzip.NewWriterLevel(f, gzip.NoCompression)
	if err != nil {
		r.t.Fatal(err)
	}
	w := tar.NewWriter(packed)
	program, err := os.ReadFile(built.web)
	if err != nil {
		r.t.Fatal(err)
	}
	noise := rand.NewChaCha8([32]byte{seed})
	for _, file := range []struct {
		name    string
		size    int64
		content io.Reader
	}{{"web", int64(len(program)), strings.NewReader(string(program))}, {"noise", size, noise}} {
		if err := w.WriteHeader(&tar.Header{Name: file.name, Mode: 0o755, Size: file.size, Typeflag: tar.TypeReg}); err != nil {
			r.t.Fatal(err)
		}
		if _, err := io.CopyN(w, file.content, file.size); err != nil {
			r.t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), packed.Close()); err != nil {
		r.t.Fatal(err)
	}
	return path
}
