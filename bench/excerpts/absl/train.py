from absl import app, flags

FLAGS = flags.FLAGS
flags.DEFINE_string("dataset", "cora", "Dataset.")
flags.DEFINE_float("learning_rate", 0.01, "Rate.")
flags.DEFINE_integer("epochs", 200, "Epochs.", lower_bound=1)
flags.DEFINE_bool("early", True, "Stop early.")
flags.DEFINE_enum("model", "gcn", ["gcn", "mlp"], "Model.")
flags.DEFINE_list("layers", ["16", "8"], "Layers.")
flags.DEFINE_multi_integer("seed", [1], "Seeds.")
flags.DEFINE_string("out", None, "Folder.")
flags.mark_flag_as_required("out")


def main(argv):
    pass


if __name__ == "__main__":
    app.run(main)
