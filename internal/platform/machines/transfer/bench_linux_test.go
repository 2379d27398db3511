package transfer_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/machines/transfer"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/secureshell"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/secureshell/sshtest"
)

// BenchmarkUpload sends an artifact to an sshd of this machine, and the same file by scp right after, each by a new
// connection. TRANSFER_MIB is its size, 1024 by default; -benchtime 5x does both five times. The ratio is that of the medians.
func BenchmarkUpload(b *testing.B) {
	needs(b, "scp")
	mebibytes := 1024
	if written, err := strconv.Atoi(os.Getenv("TRANSFER_MIB")); err == nil {
		mebibytes = written
	}
	file := random(b, mebibytes)
	server := sshtest.Start(b, "Subsystem sftp internal-sftp")
	known := server.Path("known_hosts")
	if err := os.WriteFile(known, fmt.Appendf(nil, "[%s]:%d %s\n", server.Address, server.Port, server.HostKey), 0o600); err != nil {
		b.Fatal(err)
	}
	r := request(b, file, "")
	var ours, check, unpack, scp []time.Duration
	for b.Loop() {
		r.Directory = b.TempDir()
		report := upload(b, server, r)
		ours, check, unpack = append(ours, report.Upload), append(check, report.Check), append(unpack, report.Unpack)
		remove(b, r.Directory)

		target := filepath.Join(b.TempDir(), "artifact")
		begun := time.Now()
		command := exec.CommandContext(b.Context(), "scp", "-q", "-F", "none", "-i", server.Path("key"), "-P", strconv.Itoa(server.Port),
			"-o", "UserKnownHostsFile="+known, "-o", "StrictHostKeyChecking=yes", "-o", "IdentitiesOnly=yes", file, server.User+"@"+server.Address+":"+target)
		if output, err := command.CombinedOutput(); err != nil {
			b.Fatalf("scp: %v: %s", err, output)
		}
		scp = append(scp, time.Since(begun))
		remove(b, target)
	}
	rate := func(d time.Duration) float64 { return float64(mebibytes) / d.Seconds() }
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(rate(median(ours)), "MiB/s")
	b.ReportMetric(rate(median(scp)), "scp-MiB/s")
	b.ReportMetric(median(scp).Seconds()/median(ours).Seconds(), "of-scp")
	b.ReportMetric(median(check).Seconds(), "check-s")
	b.ReportMetric(median(unpack).Seconds(), "unpack-s")
}

func upload(b *testing.B, server *sshtest.Server, r transfer.Request) transfer.Report {
	b.Helper()
	connections := secureshell.New(server.Credentials(), secureshell.Options{})
	defer func() { _ = connections.Close() }()
	return install(b, connections.Machine(server.SSH()), r)
}

// random is an executable of so many MiB that do not compress.
func random(b *testing.B, mebibytes int) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "web")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	source := rand.NewChaCha8([32]byte{1})
	chunk := make([]byte, 1<<20)
	for i := range mebibytes {
		_, _ = source.Read(chunk)
		if i == 0 {
			copy(chunk, "#!/bin/sh\n")
		}
		if _, err := f.Write(chunk); err != nil {
			b.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	return path
}

func remove(b *testing.B, path string) {
	b.Helper()
	if err := os.RemoveAll(path); err != nil {
		b.Fatal(err)
	}
}

func median(all []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}
