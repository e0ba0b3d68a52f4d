// Command kubernetes combines the programs that the tests need in one: etcd, those of a Kubernetes control plane and of a
// node, all of one release, and kubectl.
package main

import (
	"context"
	"fmt"
	"os"
	_ "unsafe" // for go:linkname

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	componentversion "k8s.io/component-base/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

// version is that of k8s.io/kubernetes in go.mod.
const version = "1.36.3"

const usage = "usage: kubernetes etcd|apiserver|controller-manager|scheduler|kubelet|proxy|kubectl …"

// gitVersion is the version that Kubernetes reports; its own build sets it with linker flags.
//
//go:linkname gitVersion k8s.io/component-base/version.gitVersion
var gitVersion string

func init() {
	gitVersion = "v" + version
	if err := componentversion.SetDynamicVersion(gitVersion); err != nil {
		panic(err)
	}
}

func main() {
	name := ""
	if len(os.Args) > 1 {
		name = os.Args[1]
	}
	args := os.Args[min(2, len(os.Args)):]
	switch name {
	case "etcd":
		etcdmain.Main(append([]string{"etcd"}, args...))
	case "apiserver":
		run("kube-apiserver", apiserver.NewAPIServerCommand(), args)
	case "controller-manager":
		run("kube-controller-manager", controllermanager.NewControllerManagerCommand(), args)
	case "scheduler":
		run("kube-scheduler", scheduler.NewSchedulerCommand(), args)
	case "kubelet":
		run("kubelet", kubelet.NewKubeletCommand(context.Background()), args)
	case "proxy":
		run("kube-proxy", proxy.NewProxyCommand(), args)
	case "kubectl":
		// kubectl reads os.Args itself to find its plug-ins.
		os.Args = append([]string{"kubectl"}, args...)
		cmdutil.CheckErr(cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand()))
	case "--version":
		fmt.Println("kubernetes", version)
	default:
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(2)
	}
}

// run ends the process with the command's exit code. Clients of Kubernetes derive their name, also as field managers, from
// os.Args[0].
func run(name string, command *cobra.Command, args []string) {
	os.Args[0] = name
	command.SetArgs(args)
	os.Exit(cli.Run(command))
}
