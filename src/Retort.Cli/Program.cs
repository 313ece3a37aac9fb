Console.WriteLine("retort");
