import configargparse

p = configargparse.ArgParser(default_config_files=[])
p.add("-c", "--config", required=False, is_config_file=True, help="file")
p.add("--data", required=True, env_var="DATA_DIR")
p.add_argument("--lr", type=float, default=5e-4)
p.add_argument("--white", action="store_true")
options = p.parse_args()
