package postgrestest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

type programs struct{ initdb, postgres string }

// find looks on PATH and where Debian puts the programs, the newest version first.
func find() (programs, error) {
	var directories []string
	if path, err := exec.LookPath("initdb"); err == nil {
		directories = append(directories, filepath.Dir(path))
	}
	installed, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return programs{}, fmt.Errorf("look for PostgreSQL: %w", err)
	}
	for i := range installed {
		directories = append(directories, installed[len(installed)-1-i])
	}
	for _, d := range directories {
		p := programs{initdb: filepath.Join(d, "initdb"), postgres: filepath.Join(d, "postgres")}
		if executable(p.initdb) && executable(p.postgres) {
			return p, nil
		}
	}
	return programs{}, errors.New("PostgreSQL (initdb, postgres) is missing: apt-get install postgresql")
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// unprivileged is who to run PostgreSQL as, which refuses to run as root; nil: as ourselves.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
		if uidErr == nil && gidErr == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
		}
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is no user postgres or nobody to run it as")
}
