//go:build unix

package caddy

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
)

func TestWriteKeepsTheOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root may give a file away: sudo go test")
	}
	const uid, gid = 12345, 23456
	file := filepath.Join(t.TempDir(), "web.share")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(file, uid, gid); err != nil {
		t.Fatal(err)
	}
	if err := newRouter(t, file).SetWeights(t.Context(), delivery.Split{Weights: map[string]int{"green": 100}}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || owner.Uid != uid || owner.Gid != gid {
		t.Errorf("the file became %+v's", owner)
	}
}
