package machines

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// wholeFile is the last file of a bundle. tar takes one that ends between two files for whole, and so ends what a lost connection has cut off.
const wholeFile = "whole"

// bundle is a tar being written.
type bundle struct {
	data   bytes.Buffer
	writer *tar.Writer
	err    error
}

func (b *bundle) directory(name string, mode int64) {
	b.add(&tar.Header{Name: name + "/", Typeflag: tar.TypeDir, Mode: mode}, "")
}

func (b *bundle) file(name, content string, mode int64) {
	b.add(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: mode, Size: int64(len(content))}, content)
}

func (b *bundle) add(header *tar.Header, content string) {
	if b.err == nil {
		b.err = b.writer.WriteHeader(header)
	}
	if b.err == nil {
		_, b.err = io.WriteString(b.writer, content)
	}
}

// environment writes an instance's variables, or its secrets into files of their own. What the platform sets is the unit's.
func (b *bundle) environment(dir string, c service.Content, all map[string]string, apart bool) error {
	text := ""
	if apart {
		b.directory(path.Join(dir, "credentials"), 0o700)
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if _, secret := c.Secrets[name]; secret && apart {
			b.file(path.Join(dir, "credentials", name), all[name], 0o600)
			continue
		}
		if service.ReservedVariable(name) {
			continue
		}
		line, err := environmentLine(name, all[name])
		if err != nil {
			return err
		}
		text += line
	}
	b.file(path.Join(dir, "environment"), text, 0o600)
	return nil
}

func (b *bundle) reader() (io.Reader, error) {
	if err := errors.Join(b.err, b.writer.Close()); err != nil {
		return nil, fmt.Errorf("pack what to start: %w", err)
	}
	return &b.data, nil
}
