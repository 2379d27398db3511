//go:build linux

package main

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/artifact"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/machines/transfer"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/tools/bench/result"
)

//go:embed upload.tf
var uploadConfiguration []byte

// upload sends a large artifact to one host, by the provider's transfer and by scp in turn, and looks at the provider's memory while a
// release has such an artifact.
func (w *world) upload(ctx context.Context) error {
	mebibytes := w.options.artifact
	if mebibytes == 0 {
		return nil
	}
	fmt.Printf("\nAn artifact of %d MiB to one host, by the provider and by scp, each by a new connection to the same sshd\n", mebibytes)
	large, err := w.artifact(mebibytes)
	if err != nil {
		return err
	}
	if err := w.rates(ctx, large, mebibytes); err != nil {
		return err
	}
	return w.memory(ctx, large, mebibytes)
}

// artifact makes a program of that size that runs: the instance, with what cannot be compressed behind it.
func (w *world) artifact(mebibytes int) (string, error) {
	path := filepath.Join(w.directory, "artifacts", strconv.Itoa(mebibytes), "instance")
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return "", err
	}
	program, err := os.ReadFile(w.instance)
	if err != nil {
		return "", err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755) //nolint:gosec // a program
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	if _, err := f.Write(program); err != nil {
		return "", err
	}
	if _, err := io.CopyN(f, rand.Reader, max(0, int64(mebibytes)<<20-int64(len(program)))); err != nil {
		return "", err
	}
	return path, f.Close()
}

// rates measures both ways in turn.
func (w *world) rates(ctx context.Context, path string, mebibytes int) error {
	o, err := w.newOperator()
	if o != nil {
		defer o.close(context.WithoutCancel(ctx))
	}
	if err != nil {
		return err
	}
	digest, err := artifact.Digest(ctx, path)
	if err != nil {
		return err
	}
	h := w.Hosts[0]
	var ours, scp, checks, unpacks []float64
	for n := range w.options.uploads {
		report, login, err := w.send(ctx, service.Reference{Path: path, Digest: digest}, n)
		if err != nil {
			return err
		}
		ours = append(ours, float64(mebibytes)/(login+report.Upload).Seconds())
		checks, unpacks = append(checks, report.Check.Seconds()), append(unpacks, report.Unpack.Seconds())
		if _, err := h.Run(ctx, "rm -rf /srv/upload"); err != nil {
			return err
		}
		began := time.Now()
		if said, err := o.command(ctx, "scp", "-q", "-F", o.config, "-o", "ControlMaster=no", "-o", "ControlPath=none", path, h.Name+":/srv/by-scp").CombinedOutput(); err != nil {
			return fmt.Errorf("scp: %w\n%s", err, said)
		}
		scp = append(scp, float64(mebibytes)/time.Since(began).Seconds())
		if _, err := h.Run(ctx, "rm -f /srv/by-scp"); err != nil {
			return err
		}
		fmt.Printf("  %d/%d  provider %.0f MiB/s, then checked in %.2f s and unpacked in %.2f s; scp %.0f MiB/s\n", n+1, w.options.uploads, ours[n], checks[n], unpacks[n], scp[n])
	}
	our, its := quantile(ours, 0.5), quantile(scp, 0.5)
	w.results = append(w.results,
		result.Higher("upload by the provider, median", our, "MiB/s"),
		result.Higher("upload by scp, median", its, "MiB/s"),
		result.Higher("rate of the provider's upload over scp's", our/its, "times").AtLeast(0.9),
		result.Lower("check on arrival, median", quantile(checks, 0.5), "s"),
		result.Lower("making the release's files of it, median", quantile(unpacks, 0.5), "s"))
	return nil
}

// send sends it by the provider's transfer, and says how long it took to log in, as scp has to. What it digests before and after is told
// apart.
func (w *world) send(ctx context.Context, reference service.Reference, n int) (report transfer.Report, login time.Duration, err error) {
	connections := w.connections()
	defer func() { _ = connections.Close() }()
	m := connections.Machine(loginTo(w.Hosts[0]))
	began := time.Now()
	if _, err := m.Run(ctx, ":", nil); err != nil {
		return report, 0, err
	}
	login = time.Since(began)
	report, err = transfer.Install(ctx, m, transfer.Request{
		Artifact: reference, Directory: "/srv/upload", Release: service.ReleaseID(fmt.Sprintf("production/upload/1.%d-00000000", n)),
		Program: "./instance", Guard: "true",
	})
	return report, login, err
}

// memory measures the provider's peak in a real release of a small and of a large artifact.
func (w *world) memory(ctx context.Context, large string, mebibytes int) error {
	small, err := w.artifact(1)
	if err != nil {
		return err
	}
	var peaks []float64
	for n, path := range []string{small, large} {
		text, err := json.Marshal(map[string]any{"world": map[string]any{
			"name": "upload" + strconv.Itoa(n), "store": w.store(), "artifact": path, "blue": w.AlonePort + n, "host": machinesOf(w.Hosts[:1])["a"],
		}})
		if err != nil {
			return err
		}
		name := "upload" + strconv.Itoa(n)
		if err := w.cli.initialize(ctx, name, map[string][]byte{"main.tf": uploadConfiguration, "world.auto.tfvars.json": text}); err != nil {
			return err
		}
		r, err := w.cli.start(ctx, name, "apply", "-no-color", "-auto-approve")
		if err != nil {
			return err
		}
		peak := r.peak()
		if err := r.wait(); err != nil {
			return err
		}
		peaks = append(peaks, peak)
	}
	fmt.Printf("  the provider's peak memory in a release of 1 MiB: %.1f MiB; of %d MiB: %.1f MiB\n", peaks[0], mebibytes, peaks[1])
	w.results = append(w.results,
		result.Lower("peak memory of the provider, artifact of 1 MiB", peaks[0], "MiB"),
		result.Lower(fmt.Sprintf("peak memory of the provider, artifact of %d MiB", mebibytes), peaks[1], "MiB"),
		result.Lower("peak memory, the large artifact over the small one", peaks[1]/peaks[0], "times").AtMost(1.25))
	return nil
}

// peak is the largest resident memory that a process of the provider had until the command ends, in MiB. The kernel keeps the peak of each:
// what is missed is what happens between the last look and its end.
func (r *running) peak() float64 {
	peak := 0.0
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		for _, pid := range r.providers() {
			peak = max(peak, highWater(pid))
		}
		select {
		case <-r.ended:
			return peak
		case <-ticker.C:
		}
	}
}

// highWater is a process's peak of resident memory in MiB; 0 where it is gone.
func highWater(pid int) float64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		if rest, found := strings.CutPrefix(line, "VmHWM:"); found {
			kib, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kib / 1024
		}
	}
	return 0
}
