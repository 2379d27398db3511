package transfer

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/artifact"
)

// fetchedAtOnce is how much is fetched by one script, in bytes: less than what a script may say.
const fetchedAtOnce = 8 << 20

// Fetch brings the artifact that a machine keeps to this one, into the directory dir, where it has the name that it came by, and returns
// its path. It has the digest of r, or there is an error: so it is where the machine keeps none. Other machines can be given it then.
func Fetch(ctx context.Context, m Machine, r Request, dir string) (string, error) {
	path := filepath.Join(dir, filepath.Base(r.Artifact.Path))
	err := fetch(ctx, m, r, path)
	if err == nil {
		err = artifact.Verify(ctx, path, r.Artifact.Digest)
	}
	if err != nil {
		return "", fmt.Errorf("fetch the artifact of %s from %s: %w", r.Release, m, err)
	}
	return path, nil
}

func fetch(ctx context.Context, m Machine, r Request, path string) (err error) {
	v, err := r.variables()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if closed := f.Close(); err == nil {
			err = closed
		}
	}()
	v.values["piece"] = strconv.Itoa(fetchedAtOnce)
	for at := int64(0); ; {
		v.values["from"] = strconv.FormatInt(at+1, 10)
		piece, err := fetchPiece(ctx, m, v)
		if err != nil {
			return err
		}
		n, err := f.Write(piece)
		if err != nil {
			return err
		}
		if at += int64(n); n < fetchedAtOnce {
			return nil
		}
	}
}

func fetchPiece(ctx context.Context, m Machine, v variables) ([]byte, error) {
	bounded, cancel := context.WithTimeoutCause(ctx, usual.patience, notDone(usual.patience))
	defer cancel()
	return m.Run(bounded, v.script(commonScript, fetchScript), nil)
}
