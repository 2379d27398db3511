// Package nspawn boots real Debian machines in systemd-nspawn, for tests, demonstrations and benchmarks: systemd, sshd and a
// manager of a user's own, from a tree that .ci/machines made. They share this machine's network, each with an address of its
// own in 127.0.0.0/8. They end with the process that started them, also where that is killed.
package nspawn

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// TreeVariable names the environment variable with the path of another tree than that of .ci/machines.
const TreeVariable = "DEPLOY_TEST_MACHINES"

// Tree is the path of the tree that machines boot from, which .ci/machines below root makes. root is the repository. An error
// says what is missing for machines on this one, and how to get it.
func Tree(root string) (string, error) {
	if os.Geteuid() != 0 {
		return "", errors.New("machines need root, for their namespaces and mounts")
	}
	for _, program := range []string{"bash", "unshare", "nsenter", "systemd-nspawn"} {
		if _, err := exec.LookPath(program); err != nil {
			return "", fmt.Errorf("%s is missing for machines: make components (Debian: systemd-container, util-linux)", program)
		}
	}
	tree := os.Getenv(TreeVariable)
	if tree == "" {
		var err error
		if tree, err = made(root); err != nil {
			return "", err
		}
	}
	if info, err := os.Stat(filepath.Join(tree, "etc")); err != nil || !info.IsDir() {
		return "", fmt.Errorf("the tree for machines is missing: make components, or set %s to another", TreeVariable)
	}
	return tree, nil
}

// made is where .ci/machines puts the tree: the cache that it uses, and the hash of its recipe, which is the script itself.
func made(root string) (string, error) {
	recipe, err := os.ReadFile(filepath.Join(root, ".ci", "machines"))
	if err != nil {
		return "", fmt.Errorf("read the recipe of the tree for machines: %w", err)
	}
	cache, err := os.UserCacheDir() // XDG_CACHE_HOME, else ~/.cache
	if err != nil {
		return "", fmt.Errorf("find the cache that the tree for machines is in: %w", err)
	}
	sum := sha256.Sum256(recipe)
	return filepath.Join(cache, "terraform-provider-deploy", "machines", hex.EncodeToString(sum[:])[:12]), nil
}
