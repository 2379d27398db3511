package nspawn

import (
	"bufio"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/freeport"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

//go:embed host.sh
var hostScript string

//go:embed supervise.sh
var superviseScript string

// KeyCredential is the name of the credential that Host.SSH's definitions log in with.
const KeyCredential = "machine_key"

// SystemdSudoers lets User run what an administrator allows to who deploys units of the system's manager.
const SystemdSudoers = User + " ALL=(root) NOPASSWD: /usr/bin/systemctl, /usr/bin/install, /usr/bin/rm, /usr/bin/journalctl\n"

// Options say what machines are like. Its zero value with a Tree is usable.
type Options struct {
	// Tree is what they boot from: see the function Tree.
	Tree string
	// Disk is how many bytes a machine may write; 4 GiB where it is 0. They are kept in memory.
	Disk int64
	// SmallDisk is the size in bytes of a disk at /srv, by the machine's name. Without one, /srv is on the machine's only disk.
	SmallDisk map[string]int64
	// Sudoers is put into /etc/sudoers.d, such as SystemdSudoers.
	Sudoers string
	// Limit is how long a machine lives at most, should nobody end it; an hour where it is 0.
	Limit time.Duration
}

// Host is a machine. Its methods may be used concurrently.
type Host struct {
	Name string
	// Address is the machine's own in 127.0.0.0/8, Port where sshd listens at it. What else the machine runs is to listen at
	// this address alone: all machines share one network.
	Address string
	Port    int
	// HostKey is sshd's, "ssh-ed25519 AAAA…". Key is private, in OpenSSH's form; root and User can be logged in as with it.
	HostKey string
	Key     string

	place   place
	command *exec.Cmd
	log     *os.File
	answers chan string
	ended   chan struct{} // closed when the supervisor has
	order   sync.Mutex
	orders  io.WriteCloser
}

// Start boots machines with these names at once, and returns when systemd has started everything and sshd answers. All of
// them are ended when one fails. Whoever starts them ends them.
func Start(ctx context.Context, o Options, names ...string) ([]*Host, error) {
	hosts, errs := make([]*Host, len(names)), make([]error, len(names))
	var all sync.WaitGroup
	for i, name := range names {
		all.Go(func() { hosts[i], errs[i] = start(ctx, o, name) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		for _, h := range hosts {
			if h != nil {
				_ = h.End() // The error that counts is the other one.
			}
		}
		return nil, err
	}
	return hosts, nil
}

func start(ctx context.Context, o Options, name string) (*Host, error) {
	h := &Host{Name: name, answers: make(chan string, 1), ended: make(chan struct{})}
	var err error
	if h.place, err = reserve(); err != nil {
		return nil, err
	}
	h.Address = h.place.address
	if err := h.supervise(o); err != nil {
		_ = h.place.held.Close()
		return nil, fmt.Errorf("start machine %s: %w", name, err)
	}
	if err := h.Boot(ctx); err != nil {
		err = fmt.Errorf("%w\n%s", err, h.Log(ctx))
		return nil, errors.Join(err, h.End())
	}
	return h, nil
}

// supervise starts the process that holds the machine, which is still off.
func (h *Host) supervise(o Options) error {
	ports, err := freeport.Find(h.Address, 1)
	if err != nil {
		return err
	}
	h.Port = ports[0]
	directory, err := os.MkdirTemp("", "machine-")
	if err != nil {
		return err
	}
	err = h.launch(o, directory)
	if err != nil {
		_ = os.RemoveAll(directory)
	}
	return err
}

// launch starts host.sh with a directory that it removes at its end.
func (h *Host) launch(o Options, directory string) error {
	seed := filepath.Join(directory, "seed")
	if err := os.Mkdir(seed, 0o755); err != nil {
		return err
	}
	if err := h.seed(seed, o.Sudoers); err != nil {
		return err
	}
	var err error
	if h.log, err = os.OpenFile(filepath.Join(directory, "console"), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600); err != nil {
		return err
	}
	answers, say, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { _ = say.Close() }()
	disk, limit := o.Disk, o.Limit
	if disk == 0 {
		disk = 4 << 30
	}
	if limit == 0 {
		limit = time.Hour
	}
	group := fmt.Sprintf("machine-%d-%s", os.Getpid(), h.Address)
	h.command = exec.Command("bash", "-c", hostScript, "host", superviseScript, directory, //nolint:noctx // the end of its orders ends it
		o.Tree, strconv.FormatInt(disk, 10), strconv.FormatInt(o.SmallDisk[h.Name], 10), strconv.Itoa(int(limit.Seconds())), group, h.Name)
	h.command.Stdout, h.command.Stderr = h.log, h.log
	h.command.ExtraFiles = []*os.File{say}
	h.command.Dir = "/"
	// Ctrl-C reaches the test, whose end is the machine's.
	h.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if h.orders, err = h.command.StdinPipe(); err == nil {
		err = h.command.Start()
	}
	if err != nil {
		return errors.Join(err, answers.Close(), h.log.Close())
	}
	go func() {
		defer func() { _ = answers.Close() }()
		for lines := bufio.NewScanner(answers); lines.Scan(); {
			h.answers <- lines.Text()
		}
		_ = h.command.Wait() // Why it ended is in its log.
		close(h.ended)
	}()
	return nil
}

// tell gives an order to the supervisor and waits until it is carried out.
func (h *Host) tell(ctx context.Context, order string) error {
	h.order.Lock()
	defer h.order.Unlock()
	if _, err := io.WriteString(h.orders, order+"\n"); err != nil {
		return fmt.Errorf("machine %s, %s: %w", h.Name, order, err)
	}
	select {
	case <-h.answers:
		return nil
	case <-h.ended:
		return fmt.Errorf("machine %s, %s: its supervisor ended", h.Name, order)
	case <-ctx.Done():
		return fmt.Errorf("machine %s, %s: %w", h.Name, order, ctx.Err())
	}
}

// End ends the machine, and waits until nothing of it is left.
func (h *Host) End() error {
	_ = h.orders.Close() // A second time it is closed already.
	select {
	case <-h.ended:
	case <-time.After(30 * time.Second):
		return fmt.Errorf("end machine %s: process %d is still there", h.Name, h.command.Process.Pid)
	}
	_ = h.place.held.Close()
	return nil
}

// SSH is how to log in to the machine as user, with the credential KeyCredential.
func (h *Host) SSH(user string) service.SSH {
	return service.SSH{
		Address: h.Address, Port: h.Port, User: user, PrivateKey: KeyCredential, HostKey: h.HostKey,
		ConnectTimeout: service.Duration(10 * time.Second),
	}
}

// Credentials are the secrets that SSH's definitions name.
func (h *Host) Credentials() map[string]string { return map[string]string{KeyCredential: h.Key} }
